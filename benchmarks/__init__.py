"""Measurements of the whole command against the embedded teacher. See README.md in this folder."""
