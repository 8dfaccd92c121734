"""Files of this machine, and what a path says about where its file is. Free of Beam, whose filesystems are in ``transforms/beam_files.py``."""
