"""Files by their paths, on this machine or on any filesystem that Beam knows.

Beam is loaded by the first path that names another place (``files.beam``): whoever works with a directory neither waits for it nor needs it.
"""
