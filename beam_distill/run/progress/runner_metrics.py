"""Readings from a runner's metrics, for pipelines on a cluster."""

from __future__ import annotations

import logging
from collections.abc import Callable

from beam_distill.work_dir.reading import Reading, from_counters

log = logging.getLogger("beam_distill")


class MetricsSource:
    """The pipeline's counters from its runner. ``counters`` asks the runner; it may be slow or fail."""

    def __init__(self, counters: Callable[[], dict[str, int]]) -> None:
        self._counters = counters
        self._last = Reading()

    def read(self) -> Reading:
        """The newest reading; the previous one if the runner does not answer."""
        try:
            self._last = from_counters(self._counters())
        except Exception as error:  # noqa: BLE001 - every runner has errors of its own, and progress must not end a job
            log.debug("the runner reports no metrics: %s", error)
        return self._last
