"""Readings of the engine in this process, always current."""

from __future__ import annotations

from dataclasses import replace

from beam_distill.work_dir.reading import Reading, from_counters, together
from transforms.counters import live_counts
from transforms.elements.engine_totals import total_of
from transforms.teacher.session import snapshots


class EngineSource:
    """The sessions of one run in this process, and the process's counters since the source was made.

    Simultaneous runs have separate requests, answers and finished rows, but rows that need no request are counted together.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._before = live_counts()

    def read(self) -> Reading:
        """The current state."""
        counts = {name: count - self._before.get(name, 0) for name, count in live_counts().items()}
        states = snapshots(self._run_id)
        done = total_of(state.totals for state in states)
        # rows that the engine has finished but that wait for the next turn of the pipeline count as done; they go on to where answers are
        # read in large heaps: before the first, only who got no answer is known
        unread = False
        for split, count in done.rows.items():
            name = f"{split}_rows_scored"
            unread = unread or count > counts.get(name, 0)
            counts[name] = count
        reading = from_counters(counts)
        if not states:
            return reading
        unread = unread and not reading.rejects
        return replace(
            reading,
            rejects=None if unread else reading.rejects,
            given_up=done.given_up if unread else 0,
            requests=done.requests,
            answers=done.answers,
            usage=done.usage,
            retries=done.retries,
            failures=dict(done.failures),
            in_flight=sum(state.in_flight for state in states),
            limit=sum(state.limit for state in states),
            backing_off=sum(state.backing_off for state in states),
            judge=together((state.judge.in_short, True) for state in states if state.judge is not None),
        )
