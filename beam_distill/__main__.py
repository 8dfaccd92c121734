"""``beam-distill`` and ``python -m beam_distill``."""

import sys


def command() -> int:
    """The command with the process's arguments; its exit code. Ctrl-C before it has begun is no traceback."""
    try:
        from beam_distill.cli.main import main

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(command())
