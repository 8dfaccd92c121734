"""The log messages that the command shows on standard error."""

from __future__ import annotations

import logging
import sys
from typing import Any

from beam_distill.runners.log_lines import LogLines


class _StderrHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to the current standard error, which a live view replaces."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        """The current standard error."""
        return sys.stderr

    @stream.setter
    def stream(self, _: Any) -> None:
        raise AttributeError("always standard error")


def set_up_logging(debug: bool = False, quiet: bool = False) -> None:
    """Set up the loggers of this process, replacing an earlier set-up."""
    handler = _StderrHandler()
    handler.setFormatter(LogLines())
    ours = logging.getLogger("beam_distill")
    ours.handlers[:] = [handler]
    ours.setLevel(logging.DEBUG if debug else logging.WARNING if quiet else logging.INFO)
    ours.propagate = False
    # Beam and its imports warn about optional parts that are not used
    logging.getLogger().setLevel(logging.WARNING if debug else logging.ERROR)
    # a stage's exception reaches the command, which shows it once; Beam would log it several times before
    logging.getLogger("apache_beam").setLevel(logging.WARNING if debug else logging.CRITICAL)
    # the same for a runner's message, which Beam logs at the root
    logging.getLogger().removeFilter(_is_not_from_runner)
    if not debug:
        logging.getLogger().addFilter(_is_not_from_runner)


def _is_not_from_runner(record: logging.LogRecord) -> bool:
    return record.module != "portable_runner"
