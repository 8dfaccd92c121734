"""The inputs: each declared once, read from flags, environment and file. Only this folder uses pydantic."""
