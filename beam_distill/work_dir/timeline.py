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
"""When there are more, every second one goes and the steps become twice as long: an hour by the second, a day by the half minute."""

WHOLE_EVERY_S = 30.0
"""Object storage takes files whole only. Written more often, each time costs a stutter in the view; less often, a report in between is older."""


def timeline_path(work_dir: str, run_id: str) -> str:
    """Where the readings of a run are kept."""
    return f"{work_dir.rstrip('/')}/timeline/{run_id}.jsonl"


class Timeline:
    """Writes readings as they come. A storage that refuses them costs the picture, never the run."""

    def __init__(self, path: str, most_samples: int = MOST_SAMPLES) -> None:
        """Storage that cannot be appended to gets the whole text twice a minute."""
        self._path = path
        self._most = most_samples
        self._lines: list[str] = []
        self._step = 1
        self._seen = 0
        self._broken = False
        self._whole_s = -WHOLE_EVERY_S

    def add(self, elapsed_s: float, reading: Reading) -> None:
        """Keep a reading, or skip it when the steps have become longer."""
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
        """Nothing more comes."""
        if is_remote(self._path) and self._lines:
            self._rewrite()

    def _rewrite(self) -> None:
        try:
            write_text(self._path, "\n".join(self._lines) + "\n")
        except Exception as error:  # noqa: BLE001 - every filesystem has errors of its own, and the next time may go well
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
    """The samples of a timeline in order; a torn last line is skipped, no file is no samples."""
    return [sample for sample in objects_of(path) if "t_s" in sample]
