"""Fetch and make the servers named on the command line; a second call does nothing.

Each unavailable server is reported in a line. It is an error, unless ``SERVER_TESTS_MISSING=skip``: then its tests are skipped.
"""

from __future__ import annotations

import os
import sys

from made_once import ToolMissing
from servers.installed import ALL


def main(names: list[str]) -> int:
    """Returns 0 if every named server exists or may be missing, else 2."""
    unknown = [name for name in names if name not in ALL]
    if unknown or not names:
        print(f"servers: no server is called {' '.join(unknown) or 'nothing'}; name some of {' '.join(ALL)}", file=sys.stderr)
        return 2
    missing = False
    for name in names:
        server = ALL[name]
        try:
            server.install()
            print(f"servers: {name} is in {server.folder}", flush=True)
        except (ToolMissing, RuntimeError, OSError) as reason:
            missing = True
            print(f"servers: {name} cannot be had here, its tests are left out: {reason}", file=sys.stderr, flush=True)
    return 2 if missing and os.environ.get("SERVER_TESTS_MISSING") != "skip" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
