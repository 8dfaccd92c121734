"""The records of a work_dir's ledger and failures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from beam_distill.work_dir.files import folders_in, segments_storage
from transforms.elements.usage import Usage
from transforms.ledger import current
from transforms.ledger.avro_schema import FAILURE_SCHEMA, LEDGER_SCHEMA, paid_usage
from transforms.ledger.segments import TornSegment, read_records

LATEST_MS = 253_402_300_799_000
"""The end of the year 9999, the last date."""
_TIMES = frozenset({"sent_at_ms", "answered_at_ms"})


@dataclass(slots=True)
class RunCounts:
    """Counts of the ledger records of one run or one endpoint. Times are milliseconds since 1970."""

    answers: int = 0
    usage: Usage = Usage()
    latency_sum_ms: float = 0.0
    first_sent_ms: int = 0
    last_answered_ms: int = 0

    def add(self, record: dict[str, Any]) -> None:
        """Count one record."""
        self.answers += 1
        self.usage = self.usage.plus(paid_usage(record))
        self.latency_sum_ms += record["latency_ms"]
        sent, answered = record["sent_at_ms"], record["answered_at_ms"]
        self.first_sent_ms = min(self.first_sent_ms or sent, sent)
        self.last_answered_ms = max(self.last_answered_ms, answered)


def records(ledger_dir: str, torn: list[TornSegment]) -> Iterator[dict[str, Any]]:
    """Every record, segment by segment; truncated segments are added to ``torn``."""
    yield from _stored(ledger_dir, LEDGER_SCHEMA, torn)


def records_and_current(ledger_dir: str, torn: list[TornSegment]) -> Iterator[tuple[dict[str, Any], bool]]:
    """The same, each with whether it is current. Records written meanwhile count as current."""
    for record, is_current in current.records_and_current(ledger_dir, LEDGER_SCHEMA, torn, segments_storage(ledger_dir)):
        yield _with_dates(record), is_current


def failures(folder: str) -> Iterator[dict[str, Any]]:
    """Every request that ended without an answer, run by run. ``folder`` holds a folder for each run."""
    for run in folders_in(folder):
        yield from _stored(run, FAILURE_SCHEMA, [])


def _stored(folder: str, schema: dict[str, Any], torn: list[TornSegment]) -> Iterator[dict[str, Any]]:
    with closing(segments_storage(folder)) as storage:
        for segment in storage.segments(folder):
            for record in read_records(storage.open(segment, whole=True), schema, torn):
                yield _with_dates(record)


def _with_dates(record: dict[str, Any]) -> dict[str, Any]:
    """The record, with times that are dates."""
    for name in _TIMES & record.keys():
        record[name] = min(max(record[name], 0), LATEST_MS)
    return record
