"""What lies in a work_dir, and how it is read, written and locked."""
