"""The format of log lines on standard error: the time, ``warning:`` for warnings, the message."""

from __future__ import annotations

import logging


class LogLines(logging.Formatter):
    """``12:34:56 message``, ``12:34:56 warning: message``."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(kind)s%(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        record.kind = "warning: " if record.levelno >= logging.WARNING else ""
        return super().format(record)
