"""Readings kept for the report: ``timeline/RUN_ID.jsonl`` in the work_dir, one line each, of bounded size."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from beam_distill.progress.reading import Reading

MOST_SAMPLES = 3600
"""When there are more, every second one goes and the steps become twice as long: an hour by the second, a day by the half minute."""


def timeline_path(work_dir: str, run_id: str) -> Path:
    """Where the readings of a run are kept."""
    return Path(work_dir) / "timeline" / f"{run_id}.jsonl"


class Timeline:
    """Writes readings as they come. A disk that refuses them costs the picture, never the run."""

    def __init__(self, path: Path, most_samples: int = MOST_SAMPLES, keep: Callable[[str], None] | None = None) -> None:
        """With ``keep``, nothing is written before ``close``, which hands it the whole text: for storage that cannot be appended to."""
        self._path = path
        self._most = most_samples
        self._lines: list[str] = []
        self._step = 1
        self._seen = 0
        self._broken = False
        self._keep = keep

    def add(self, elapsed_s: float, reading: Reading) -> None:
        """Keep a reading, or pass over it when the steps have become longer."""
        self._seen += 1
        if self._broken or (self._seen - 1) % self._step:
            return
        self._lines.append(json.dumps(_sample(elapsed_s, reading), separators=(",", ":")))
        longer = len(self._lines) > self._most
        if longer:
            self._lines = self._lines[::2]
            self._step *= 2
        if self._keep is not None:
            return
        try:
            if longer:
                self._rewrite()
            else:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with open(self._path, "a", encoding="utf-8") as file:
                    file.write(self._lines[-1] + "\n")
        except OSError:
            self._broken = True

    def close(self) -> None:
        """Nothing more comes."""
        if self._keep is not None and self._lines:
            self._keep("\n".join(self._lines) + "\n")

    def _rewrite(self) -> None:
        partial = self._path.with_suffix(".partial")
        partial.write_text("\n".join(self._lines) + "\n", encoding="utf-8")
        os.replace(partial, self._path)


def _sample(elapsed_s: float, reading: Reading) -> dict[str, Any]:
    return {
        "t_s": round(elapsed_s, 2),
        "at_ms": time.time_ns() // 1_000_000,
        "rows": reading.rows_done,
        "answers": reading.answers,
        "prompt_tokens": reading.prompt_tokens,
        "completion_tokens": reading.completion_tokens,
        "in_flight": reading.in_flight,
        "limit": reading.limit,
        "retries": reading.retries,
        "failures": reading.failures,
        "rejects": reading.rejects,
    }


def read_timeline(path: Path) -> list[dict[str, Any]]:
    """The samples of a timeline in order; a torn last line is passed over, no file is no samples."""
    samples: list[dict[str, Any]] = []
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                try:
                    sample = json.loads(line)
                except ValueError:
                    continue
                if isinstance(sample, dict) and "t_s" in sample:
                    samples.append(sample)
    except OSError:
        return []
    return samples
