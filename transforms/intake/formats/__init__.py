"""The file formats of the input: each gives numbered records from an open file, in memory that does not grow with the file."""
