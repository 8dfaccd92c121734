"""Small files by which the processes of one run, and the command that started it, know of each other."""
