"""What the person runs: the command, its settings, the assembly and the embedded teacher."""
