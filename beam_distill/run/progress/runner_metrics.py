"""Readings of a runner's metrics, for pipelines that work elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from beam_distill.work_dir.reading import Reading, from_counters

log = logging.getLogger("beam_distill")


class Ledger(Protocol):
    """What the ledger shows, where it can be seen from here."""

    def read(self) -> Reading:
        """The state of about this moment."""
        ...


class MetricsSource:
    """The pipeline's counters as its runner reports them, and the ledger where that is ahead: some runners report counts at a stage's end only.

    ``counters`` asks the runner; it may be slow, and it may fail.
    """

    def __init__(self, counters: Callable[[], dict[str, int]], ledger: Ledger | None = None) -> None:
        self._counters = counters
        self._ledger = ledger
        self._last = Reading()

    def read(self) -> Reading:
        """The newest reading; of the runner's, the one before when it does not answer."""
        reported = self._ask()
        if self._ledger is None:
            return reported
        seen = self._ledger.read()
        if seen.answers <= reported.answers:
            return reported
        rows = {split: max(reported.rows_done.get(split, 0), seen.rows_done.get(split, 0)) for split in {*reported.rows_done, *seen.rows_done}}
        return replace(
            reported,
            rows_done=rows,
            rows_scored=max(reported.rows_scored, seen.rows_scored),
            answers=seen.answers,
            usage=seen.usage,
            # a runner that has reported no answer yet has reported no retry and no reject either
            retries=reported.retries if reported.answers else None,
            rejects=reported.rejects if reported.answers else None,
        )

    def _ask(self) -> Reading:
        try:
            self._last = from_counters(self._counters())
        except Exception as error:  # noqa: BLE001 - every runner has errors of its own, and progress must not end a job
            log.debug("the runner reports no metrics: %s", error)
        return self._last
