"""``beam-distill`` and ``python -m beam_distill``."""

import sys


def command() -> int:
    """Run the command with the process's arguments. Returns its exit code. An early Ctrl-C prints no traceback."""
    try:
        from beam_distill.cli.main import main

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(command())
