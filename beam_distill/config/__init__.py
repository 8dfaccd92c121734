"""The inputs: each declared once, read from flags, environment and file. The home of pydantic."""
