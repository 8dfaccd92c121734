"""One of several local scoring processes: Beam's worker with additional guarantees for its command.

Ctrl-C in a terminal, closing it, and the SIGTERM of Slurm or systemd reach every process of the command. This process ignores them,
because the command asks it to stop in its own way; the signal for this process alone is ENDS_ONE.
When the command has ended, for any reason, this process ends too.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time

from beam_distill.runners.beam_internals.local_execution import serve_as_worker
from beam_distill.runners.log_lines import LogLines
from beam_distill.runners.unused_storage import leave_out

LOOK_EVERY_S = 0.2
COMMAND_GONE = 1
LEFT_TO_THE_COMMAND = ("SIGINT", "SIGHUP", "SIGTERM")
ENDS_ONE = signal.SIGUSR1


def main() -> None:
    """Serve until the runner has no more work. The arguments name modules that Beam need not load."""
    for name in LEFT_TO_THE_COMMAND:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    handler = logging.StreamHandler()
    handler.setFormatter(LogLines())
    ours = logging.getLogger("beam_distill")
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    ours.propagate = False
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)  # the command reports what the user should know
    threading.Thread(target=_watch, args=(os.getppid(),), name="command-watch", daemon=True).start()
    logging.getLogger().setLevel(logging.ERROR)  # Beam warns about optional parts during its import
    leave_out(sys.argv[1:])
    serve_as_worker(sys.argv[:1])


def _watch(command: int) -> None:
    while os.getppid() == command:
        time.sleep(LOOK_EVERY_S)
    os._exit(COMMAND_GONE)


if __name__ == "__main__":
    main()
