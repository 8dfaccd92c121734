"""The commands, one file each, named after the command; each loads what it needs when it is called."""
