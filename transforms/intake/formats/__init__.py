"""The file formats of the input: each gives numbered records from an open file, at a memory that does not follow the file's size."""
