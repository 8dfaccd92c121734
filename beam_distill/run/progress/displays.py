"""Chooses the display of progress: for a terminal, a notebook, a pipe, or a program's own callback."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping

from beam_distill.run.progress.plain import PlainLines
from beam_distill.run.progress.tracker import ProgressView
from beam_distill.run.progress.watch import Display

_live_view_taken = threading.Lock()


def display_of_command(quiet: bool) -> Display | None:
    """The live view on a terminal, plain lines elsewhere, nothing when quiet."""
    if quiet:
        return None
    if _on_a_terminal(sys.stderr) and keeps_the_last_frame_only(os.environ) and _live_view_taken.acquire(blocking=False):
        # late: keeps rich out of the start
        from beam_distill.run.progress.terminal import LiveTerminal

        return LiveTerminal(on_close=_live_view_taken.release)
    return PlainLines()


def display_of_program(quiet: bool, callback: Callable[[ProgressView], None] | None) -> Display | None:
    """The display for a run in a program: the program's own ``callback``, a notebook's cell, or as for the command.

    Plain lines go to the logger ``beam_distill`` at level INFO, so the program can enable them. Only one of several simultaneous runs
    uses the terminal.
    """
    if callback is not None:
        return _Callback(callback)
    if quiet:
        return None
    if in_notebook():
        # late: keeps rich out of the start
        from beam_distill.run.progress.notebook import NotebookView

        return NotebookView()
    return display_of_command(quiet)


def _on_a_terminal(stream: object) -> bool:
    """Whether a standard stream is a terminal. A program may have replaced it by any writable object, a closed file, or None."""
    asks = getattr(stream, "isatty", None)
    try:
        return asks is not None and bool(asks())
    except (OSError, ValueError):
        return False


def keeps_the_last_frame_only(environment: Mapping[str, str]) -> bool:
    """Whether an apparent terminal overwrites earlier frames.

    A notebook gives ``!command`` a terminal and keeps every frame in the saved file. ipykernel can be recognised by the environment: its
    parent process, and its settings for colours and pagers.
    """
    in_a_cell = "JPY_PARENT_PID" in environment or ("CLICOLOR_FORCE" in environment and environment.get("GIT_PAGER") == "cat")
    return environment.get("TERM", "dumb") != "dumb" and not in_a_cell


def in_notebook() -> bool:
    """Whether this program is a notebook's kernel, where cells show more than text."""
    shell = sys.modules.get("IPython")
    running = None if shell is None else shell.get_ipython()
    return running is not None and getattr(running, "kernel", None) is not None


class _Callback:
    """Passes every view to the program."""

    def __init__(self, callback: Callable[[ProgressView], None]) -> None:
        self._callback = callback

    def show(self, view: ProgressView) -> None:
        """Pass this view."""
        self._callback(view)

    def close(self) -> None:
        """Nothing to clean up."""
