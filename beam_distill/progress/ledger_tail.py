"""Readings of the ledger's newest blocks: for scoring processes of this machine that are not this one."""

from __future__ import annotations

from pathlib import Path

from beam_distill.progress.reading import Reading
from transforms.ledger.tail import SegmentTail


class LedgerTailSource:
    """The answers that one run has put on a ledger of this machine. Reads only what was added since the last reading."""

    def __init__(self, ledger_dir: str, run_id: str) -> None:
        self._folder = Path(ledger_dir)
        self._run_id = run_id
        self._tails: dict[Path, SegmentTail] = {}
        self._answers = 0
        self._prompt_tokens = 0
        self._completion_tokens = 0
        self._first_turns: dict[str, int] = {}

    def read(self) -> Reading:
        """The state of about this moment. Rows are counted by the answers to their first turn; other ends are not on the ledger."""
        if self._folder.is_dir():
            for path in sorted(self._folder.glob(f"{self._run_id}-*")):
                tail = self._tails.setdefault(path, SegmentTail(path))
                for record in tail.new_records():
                    self._answers += 1
                    self._prompt_tokens += record["prompt_tokens"] or 0
                    self._completion_tokens += record["completion_tokens"] or 0
                    if record["turn"] == 0:
                        self._first_turns[record["split"]] = self._first_turns.get(record["split"], 0) + 1
        return Reading(
            rows_done=dict(self._first_turns),
            rows_scored=sum(self._first_turns.values()),
            answers=self._answers,
            prompt_tokens=self._prompt_tokens,
            completion_tokens=self._completion_tokens,
            rejects=None,
        )
