"""When a split has as many accepted rows as were asked for, so that no more are asked.

Counted are rows whose result is an example, whether the ledger had them or this run asked. If several processes score, each reports its
count (``control``) and adds those of the others; so a few more may be asked than with one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from transforms.elements.failures import EarlyStop, StopCause
from transforms.elements.replies import ScoredRow
from transforms.elements.rows import Split
from transforms.teacher.specs import ScoringSpec

ENOUGH = EarlyStop(StopCause.ENOUGH_ACCEPTED, "the split has as many accepted rows as until_accepted asks for.")


class AcceptedRows:
    """The accepted rows of this process and the others. ``is_accepted`` says whether a row has an example; ``before`` are
    those on the ledger, None if they are to be counted as they pass. Safe from any thread."""

    def __init__(self, wanted: int, is_accepted: Callable[[ScoredRow], bool], before: Mapping[str, int] | None = None) -> None:
        self._wanted = wanted
        self._is_accepted = is_accepted
        self._before = before
        self._own: dict[Split, set[int]] = {split: set() for split in Split}
        self._others: dict[str, int] = {}
        self._full = {split for split in Split if (before or {}).get(split.value, 0) >= wanted}
        self._lock = threading.Lock()
        self.when_full: Callable[[Split], None] = lambda split: None
        """Called once for each split, on the thread that counted its last row."""

    def is_full(self, split: Split) -> bool:
        """Whether no more rows are needed."""
        return split in self._full

    def finished(self, scored: ScoredRow) -> None:
        """A row is finished. It counts once, also if its bundle is tried again."""
        row = scored.request.row
        if row.origin.split not in self._full and self._is_accepted(scored):
            with self._lock:
                self._own[row.origin.split].add(hash(row.row_key))
            self._look(row.origin.split)

    def answered_before(self, scored: ScoredRow) -> None:
        """The ledger has all answers to this row. It counts here if such rows were not counted before the run."""
        if self._before is None:
            self.finished(scored)

    def counts(self) -> dict[str, int]:
        """This process's accepted rows by split, at most as many as are wanted."""
        return {split.value: len(rows) for split, rows in self._own.items()}

    def found_elsewhere(self, counts: Mapping[str, int]) -> None:
        """The accepted rows of the other processes, by split."""
        self._others = dict(counts)
        for split in Split:
            self._look(split)

    def _look(self, split: Split) -> None:
        with self._lock:
            before = (self._before or {}).get(split.value, 0)
            reached = before + len(self._own[split]) + self._others.get(split.value, 0) >= self._wanted
            if split in self._full or not reached:
                return
            self._full.add(split)
        self.when_full(split)


_of_runs: dict[str, AcceptedRows] = {}
_lock = threading.Lock()


def accepted_rows(spec: ScoringSpec, wanted: int | None, is_accepted: Callable[[ScoredRow], bool]) -> AcceptedRows | None:
    """The process's one count for a run; None if all rows are wanted."""
    if wanted is None:
        return None
    before = None if spec.accepted_before is None else dict(spec.accepted_before)
    with _lock:
        return _of_runs.setdefault(spec.run_id, AcceptedRows(wanted, is_accepted, before))


def forget(run_id: str | None) -> None:
    """The run has ended; None: all runs of this process."""
    with _lock:
        for known in [*_of_runs] if run_id is None else [run_id]:
            _of_runs.pop(known, None)
