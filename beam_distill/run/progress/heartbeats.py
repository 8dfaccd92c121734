"""What the engines of other processes are doing, by what they report in the work_dir beside what another source reads."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from beam_distill.work_dir.reading import Reading

log = logging.getLogger("beam_distill")

SILENT_S = 20.0
"""A process that reported nothing new for so long is taken for lost: what it had on the wire is on nobody's any more."""


class Other(Protocol):
    """Where rows, answers and tokens are read."""

    def read(self) -> Reading:
        """The state of about this moment."""
        ...


class HeartbeatSource:
    """Requests in flight, their limit, retries and failures of all scoring processes; the rest comes from ``other``, which may be exchanged.

    ``read_heartbeats`` gives what each process last reported, by a name of its own; processes report it every second, on object
    storage every five.
    """

    def __init__(
        self, other: Other, read_heartbeats: Callable[[], dict[str, dict[str, Any]]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.other = other
        self._read_heartbeats = read_heartbeats
        self._clock = clock
        self._told: dict[str, tuple[dict[str, Any], float]] = {}

    def read(self) -> Reading:
        """The other's reading, with what the processes report where it does not know that."""
        reading = self.other.read()
        try:
            reported = self._read_heartbeats()
        except Exception as error:  # noqa: BLE001 - every filesystem has errors of its own, and progress must not end a job
            log.debug("what the scoring processes report cannot be read: %s", error)
            reported = {}
        now_s = self._clock()
        for name, fields in reported.items():
            if name not in self._told or self._told[name][0] != fields:  # no clock but ours is asked
                self._told[name] = (fields, now_s)
        # what an engine did counts for good, what it is doing only while it is heard of
        ever = [fields for fields, _ in self._told.values() if "in_flight" in fields]
        alive = [fields for fields, at_s in self._told.values() if "in_flight" in fields and now_s - at_s < SILENT_S]
        if not ever:
            return reading
        failures: dict[str, int] = {}
        for fields in ever:
            for kind, count in fields["failures"].items():
                failures[kind] = failures.get(kind, 0) + count
        return replace(
            reading,
            in_flight=sum(fields["in_flight"] for fields in alive),
            limit=sum(fields["limit"] for fields in alive),
            backing_off=sum(fields["backing_off"] for fields in alive),
            retries=max(reading.retries or 0, sum(fields["retries"] for fields in ever)),
            failures={kind: max(failures.get(kind, 0), reading.failures.get(kind, 0)) for kind in {*failures, *reading.failures}},
        )
