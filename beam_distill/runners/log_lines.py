"""How a line of the log looks on standard error: the time, then what is said; a warning says that it is one."""

from __future__ import annotations

import logging


class LogLines(logging.Formatter):
    """``12:34:56 what is said``, ``12:34:56 warning: what is said``."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(kind)s%(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        record.kind = "warning: " if record.levelno >= logging.WARNING else ""
        return super().format(record)
