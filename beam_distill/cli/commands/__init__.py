"""The commands, one file each, named after the command; each loads its libraries when it is called."""
