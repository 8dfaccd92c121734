"""Occasional plain lines: for pipes, files and CI."""

from __future__ import annotations

import logging

from beam_distill.run.progress import words
from beam_distill.run.progress.tracker import ProgressView

log = logging.getLogger("beam_distill")

FIRST_MINUTE_EVERY_S = 5.0
LATER_EVERY_S = 10.0


def plain_line(view: ProgressView) -> str:
    """The view in one line."""
    rows = ", ".join(f"{split.name} {words.of_total(split)}" for split in view.splits)
    return "; ".join([rows, *words.pace(view), *words.endpoint(view), *words.judge(view), *words.outcome(view), *words.time_and_money(view)])


class PlainLines:
    """Logs a line every few seconds."""

    def __init__(self) -> None:
        self._due_s = FIRST_MINUTE_EVERY_S

    def show(self, view: ProgressView) -> None:
        """Log the progress, if the last line is old enough."""
        if view.elapsed_s >= self._due_s:
            self._due_s = view.elapsed_s + (FIRST_MINUTE_EVERY_S if view.elapsed_s < 60 else LATER_EVERY_S)
            log.info("%s", plain_line(view))

    def close(self) -> None:
        """Nothing to clean up: the summary follows."""
