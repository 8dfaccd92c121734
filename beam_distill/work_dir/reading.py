"""Totals at one moment, from any source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from transforms.elements.reasons import NOT_SENT
from transforms.elements.usage import Usage


@dataclass(frozen=True, slots=True)
class JudgeReading:
    """The judge's totals so far, and its state where that is known: ``waiting`` counts the answers that it was not asked about yet."""

    verdicts: int = 0
    throttled: int = 0
    in_flight: int | None = None
    limit: int = 0
    waiting: int = 0

    def plus(self, fields: Mapping[str, Any], is_alive: bool) -> JudgeReading:
        """The sum with one engine's, as it reports it (``control.run_control``); its state counts only while it ``is_alive``."""
        state = {name: fields[name] if is_alive else 0 for name in ("in_flight", "limit", "waiting")}
        return JudgeReading(
            self.verdicts + fields["answers"],
            self.throttled + fields["throttled"],
            (self.in_flight or 0) + state["in_flight"],
            self.limit + state["limit"],
            self.waiting + state["waiting"],
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """A run's totals so far; None means that its runner does not report the count.

    ``rows_done`` and ``rows_read`` are by split. ``rows_scored`` counts those of ``rows_done`` that were sent to the teacher in this run.
    ``failures`` counts failed attempts by kind, ``rejects`` rows without an example by reason, except
    unsent rows; before answers are read it is None, and ``given_up`` counts the rows without an answer. ``limit`` is how
    many requests may be in flight. ``judge`` is the judge's part, None without one.
    """

    rows_done: dict[str, int] = field(default_factory=dict)
    rows_read: dict[str, int] = field(default_factory=dict)
    rows_scored: int = 0
    requests: int | None = None
    answers: int = 0
    usage: Usage = Usage()
    retries: int | None = None
    failures: dict[str, int] = field(default_factory=dict)
    rejects: dict[str, int] | None = field(default_factory=dict)
    reused: int = 0
    in_flight: int | None = None
    limit: int | None = None
    backing_off: int | None = None
    given_up: int = 0
    judge: JudgeReading | None = None

    @property
    def throttled(self) -> int:
        """Answers of status 429."""
        return self.failures.get("throttled", 0)


def together(engines: Iterable[tuple[Mapping[str, Any], bool]]) -> JudgeReading | None:
    """What the judges of several engines did, from what each reports and whether it still does; None without any."""
    found = None
    for fields, is_alive in engines:
        found = (found or JudgeReading()).plus(fields, is_alive)
    return found


def from_counters(counts: dict[str, int]) -> Reading:
    """A reading from the pipeline's counters (``transforms.counters``), local or on a cluster."""

    counts = {name: count for name, count in counts.items() if count}

    def by_suffix(*suffixes: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for name, count in counts.items():
            for suffix in suffixes:
                if name.endswith(suffix):
                    split = name.removesuffix(suffix)
                    found[split] = found.get(split, 0) + count
        return found

    def by_prefix(prefix: str) -> dict[str, int]:
        return {name.removeprefix(prefix): count for name, count in counts.items() if name.startswith(prefix)}

    return Reading(
        rows_done=by_suffix("_rows_scored", "_rows_passed"),
        rows_read=by_suffix("_rows_read"),
        rows_scored=sum(by_suffix("_rows_scored").values()),
        requests=counts.get("requests_sent", 0),
        answers=counts.get("requests_answered", 0),
        usage=Usage(*(counts.get(f"{name}_tokens", 0) for name in Usage._fields)),
        retries=counts.get("requests_retried", 0),
        failures=by_prefix("requests_failed_"),
        rejects={reason: count for reason, count in by_prefix("rows_rejected_").items() if reason != NOT_SENT},
        reused=counts.get("answers_reused", 0),
        judge=JudgeReading(counts.get("judge_verdicts", 0), counts.get("judge_requests_throttled", 0))
        if "judge_requests_sent" in counts
        else None,
    )
