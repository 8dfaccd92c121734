"""Readings of the engine in this process: exact to the moment."""

from __future__ import annotations

from dataclasses import replace

from beam_distill.work_dir.reading import Reading, from_counters
from transforms.counters import live_counts
from transforms.elements.usage import sum_of
from transforms.teacher.session import snapshots


class EngineSource:
    """The sessions of one run in this process, and the process's counters from the moment the source is made.

    Of runs at the same time each sees its own requests, answers and finished rows; rows that need no request are counted together.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._before = live_counts()

    def read(self) -> Reading:
        """The state of this moment."""
        counts = {name: count - self._before.get(name, 0) for name, count in live_counts().items()}
        states = snapshots(self._run_id)
        # rows that the engine has finished but that wait for the next turn of the pipeline count as done
        scored: dict[str, int] = {}
        failures: dict[str, int] = {}
        for state in states:
            for split, count in state.rows:
                scored[split] = scored.get(split, 0) + count
            for kind, count in state.failures:
                failures[kind] = failures.get(kind, 0) + count
        # rows go on to where answers are read in large heaps: before the first, only who got no answer is known
        unread = False
        for split, count in scored.items():
            name = f"{split}_rows_scored"
            unread = unread or count > counts.get(name, 0)
            counts[name] = count
        reported = from_counters(counts)
        if not states:
            return reported
        unread = unread and not reported.rejects
        return replace(
            reported,
            rejects=None if unread else reported.rejects,
            given_up=sum(state.given_up for state in states) if unread else 0,
            requests=sum(state.requests for state in states),
            answers=sum(state.answers for state in states),
            usage=sum_of(state.usage for state in states),
            retries=sum(state.retries for state in states),
            failures=failures,
            in_flight=sum(state.in_flight for state in states),
            limit=sum(state.limit for state in states),
            backing_off=sum(state.backing_off for state in states),
        )
