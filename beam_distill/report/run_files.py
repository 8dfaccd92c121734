"""What the files beside the ledger say of a run."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beam_distill.progress.timeline import read_timeline, timeline_path
from beam_distill.report.counting import FixedSample
from transforms.prompts.spec import PromptSpec

REJECTS_PER_REASON = 5


class NoRun(Exception):
    """There is nothing to tell of in this folder; the text says what was looked for."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The run that a report tells of.

    ``record`` has the fields of run.json (of started.json, while there is no run.json for this run). ``finished`` is false for a run
    that is going on, or ended without a word; ``running`` says which. ``samples`` is its timeline.
    """

    work_dir: Path
    record: dict[str, Any]
    finished: bool
    running: bool
    samples: list[dict[str, Any]]

    @property
    def run_id(self) -> str:
        """The run's id."""
        return str(self.record.get("run_id", ""))

    @property
    def settings(self) -> dict[str, Any]:
        """All settings, secrets masked."""
        return dict(self.record.get("settings") or {})

    def prompt(self) -> PromptSpec | None:
        """The task, None when the record does not tell."""
        settings = self.settings
        try:
            return PromptSpec.from_settings(settings)
        except (KeyError, ValueError, TypeError):
            return None


def read_run(work_dir: str) -> RunFacts:
    """The newest run of a work_dir. Raises NoRun."""
    folder = Path(work_dir)
    if not folder.is_dir():
        raise NoRun(f"{work_dir} is no directory; name the work_dir of a run (by default OUTPUT.beam_distill beside the training dataset)")
    ended, started = _read(folder / "run.json"), _read(folder / "started.json")
    if ended is None and started is None and not (folder / "ledger").is_dir():
        raise NoRun(f"{work_dir} holds neither run.json nor a ledger; name the work_dir of a run")
    finished = ended is not None and (started is None or started.get("run_id") == ended.get("run_id"))
    record = (ended if finished else started) or {}
    run_id = str(record.get("run_id", ""))
    samples = read_timeline(timeline_path(work_dir, run_id)) if run_id else []
    return RunFacts(folder, record, finished, not finished and is_held(work_dir), samples)


def is_held(work_dir: str) -> bool:
    """Whether a run is working in this work_dir now."""
    try:
        with open(Path(work_dir) / "lock", "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    except OSError:
        return False
    return False


def _read(path: Path) -> dict[str, Any] | None:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return fields if isinstance(fields, dict) else None


def read_rejects(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of rejects.jsonl, one at a time; none when there is no such file."""
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                try:
                    fields = json.loads(line)
                except ValueError:
                    continue
                if isinstance(fields, dict):
                    yield fields
    except OSError:
        return


def sample_rejects(path: Path) -> dict[str, list[dict[str, Any]]]:
    """A few rejects of each reason, always the same ones."""
    samples: dict[str, FixedSample[dict[str, Any]]] = {}
    for reject in read_rejects(path):
        sample = samples.setdefault(str(reject.get("reason")), FixedSample(REJECTS_PER_REASON))
        sample.offer(f"{reject.get('split')} {reject.get('file')} {reject.get('line'):>12}", reject)
    return {reason: samples[reason].values() for reason in sorted(samples)}
