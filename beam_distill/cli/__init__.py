"""The command ``beam-distill``: one file per subcommand; each loads what it needs when it is called."""
