"""Readings kept for the report: ``timeline/RUN_ID.jsonl`` in the work_dir, one line each, of bounded size."""

from __future__ import annotations

import json
import logging
import os
import time
from typing import Any

from beam_distill.work_dir.files import objects_of, write_text
from beam_distill.work_dir.reading import Reading
from transforms.files.paths import is_remote

log = logging.getLogger("beam_distill")

MOST_SAMPLES = 3600
"""Above this number every second sample is removed and the interval doubles: an hour by the second, a day by the half minute."""

WHOLE_EVERY_S = 30.0
"""Object storage accepts only whole files. More frequent writes interrupt the view; with less frequent ones a report is older."""


def timeline_path(work_dir: str, run_id: str) -> str:
    """The file of a run's readings."""
    return f"{work_dir.rstrip('/')}/timeline/{run_id}.jsonl"


class Timeline:
    """Writes readings as they come. If the storage fails, the report has no charts, but the run continues."""

    def __init__(self, path: str, most_samples: int = MOST_SAMPLES) -> None:
        """Object storage gets the whole text twice a minute."""
        self._path = path
        self._most = most_samples
        self._lines: list[str] = []
        self._step = 1
        self._seen = 0
        self._broken = False
        self._whole_s = -WHOLE_EVERY_S

    def add(self, elapsed_s: float, reading: Reading) -> None:
        """Keep a reading, or skip it if the interval has become longer."""
        self._seen += 1
        if self._broken or (self._seen - 1) % self._step:
            return
        self._lines.append(json.dumps(_sample(elapsed_s, reading), separators=(",", ":")))
        longer = len(self._lines) > self._most
        if longer:
            self._lines = self._lines[::2]
            self._step *= 2
        if is_remote(self._path):
            if elapsed_s - self._whole_s >= WHOLE_EVERY_S:
                self._whole_s = elapsed_s
                self._rewrite()
            return
        try:
            if longer:
                self._rewrite()
            else:
                os.makedirs(os.path.dirname(self._path), exist_ok=True)
                with open(self._path, "a", encoding="utf-8") as file:
                    file.write(self._lines[-1] + "\n")
        except OSError:
            self._broken = True

    def close(self) -> None:
        """There are no more readings."""
        if is_remote(self._path) and self._lines:
            self._rewrite()

    def _rewrite(self) -> None:
        try:
            write_text(self._path, "\n".join(self._lines) + "\n")
        except Exception as error:  # noqa: BLE001 - every filesystem has errors of its own, and the next write may succeed
            log.debug("the timeline cannot be written: %s", error)


def _sample(elapsed_s: float, reading: Reading) -> dict[str, Any]:
    return {
        "t_s": round(elapsed_s, 2),
        "at_ms": time.time_ns() // 1_000_000,
        "rows": reading.rows_done,
        "answers": reading.answers,
        "prompt_tokens": reading.usage.prompt,
        "completion_tokens": reading.usage.completion,
        "cached_tokens": reading.usage.cached,
        "reasoning_tokens": reading.usage.reasoning,
        "in_flight": reading.in_flight,
        "limit": reading.limit,
        "retries": reading.retries,
        "failures": reading.failures,
        "rejects": reading.rejects,
    }


def read_timeline(path: str) -> list[dict[str, Any]]:
    """The samples of a timeline in order; a truncated last line is skipped; a missing file has no samples."""
    return [sample for sample in objects_of(path) if "t_s" in sample]
