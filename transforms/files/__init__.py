"""Files by their paths, local or on any filesystem that Beam supports.

The first remote path loads Beam (``files.beam``): with local paths there is no need to wait for it.
"""
