"""The files of a work_dir, and how they are read, written and locked."""
