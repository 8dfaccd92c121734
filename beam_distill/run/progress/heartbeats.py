"""Readings of engines in other processes, from their reports in the work_dir. Neither the ledger nor anything else is read."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from beam_distill.run.progress.watch import Source
from beam_distill.work_dir.reading import Reading, together
from transforms.elements.engine_totals import EngineTotals, total_of

log = logging.getLogger("beam_distill")

SILENT_S = 20.0
"""After this time without a new report a process counts as lost, and its requests on the wire no longer count."""


class HeartbeatSource:
    """The totals and states of all scoring processes. Rows that need no request, and rejects, come only from the runner's ``metrics``; some
    runners report them only at the end of a stage.

    ``read_heartbeats`` returns the latest report of each process by its name; processes report every second, on object storage every five.
    """

    def __init__(self, read_heartbeats: Callable[[], dict[str, dict[str, Any]]], clock: Callable[[], float] = time.monotonic) -> None:
        self.metrics: Source | None = None
        self._read_heartbeats = read_heartbeats
        self._clock = clock
        self._latest: dict[str, tuple[dict[str, Any], float]] = {}

    def read(self) -> Reading:
        """The approximate current state."""
        reading = Reading(rejects=None) if self.metrics is None else self.metrics.read()
        self._look()
        if not self._latest:
            return reading
        # an engine's totals count permanently, its state only while it reports
        done = total_of(EngineTotals.from_fields(fields["totals"]) for fields, _ in self._latest.values())
        latest = [(fields, self._clock() - at_s < SILENT_S) for fields, at_s in self._latest.values()]
        alive = [fields for fields, is_alive in latest if is_alive]
        reading = replace(
            reading,
            in_flight=sum(fields["in_flight"] for fields in alive),
            limit=sum(fields["limit"] for fields in alive),
            backing_off=sum(fields["backing_off"] for fields in alive),
            judge=together((fields["judge"], is_alive) for fields, is_alive in latest if "judge" in fields) or reading.judge,
            retries=max(reading.retries or 0, done.retries),
            failures={kind: max(done.failures.get(kind, 0), reading.failures.get(kind, 0)) for kind in {*done.failures, *reading.failures}},
        )
        if done.answers <= reading.answers:
            return reading
        return replace(
            reading,
            rows_done={split: max(reading.rows_done.get(split, 0), done.rows.get(split, 0)) for split in {*reading.rows_done, *done.rows}},
            rows_scored=max(reading.rows_scored, sum(done.rows.values())),
            requests=max(reading.requests or 0, done.requests),
            answers=done.answers,
            usage=done.usage,
            # a runner that has not reported answers yet has not reported rejects either
            rejects=reading.rejects if reading.answers else None,
            given_up=0 if reading.answers else done.given_up,
        )

    def _look(self) -> None:
        try:
            reported = self._read_heartbeats()
        except Exception as error:  # noqa: BLE001 - every filesystem has errors of its own, and progress must not end a job
            log.debug("what the scoring processes report cannot be read: %s", error)
            return
        for name, fields in reported.items():
            if "totals" in fields and (name not in self._latest or self._latest[name][0] != fields):  # only our own clock is used
                self._latest[name] = (fields, self._clock())
