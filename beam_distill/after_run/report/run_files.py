"""A run's facts from the files other than the ledger."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import Any, get_args

from beam_distill.after_run.report.counting import FixedSample
from beam_distill.after_run.report.ledger_facts import REJECTS_PER_REASON
from beam_distill.config.settings import DistillSettings
from beam_distill.work_dir.files import fields_of, objects_of, segments_storage
from beam_distill.work_dir.lock import is_held
from beam_distill.work_dir.timeline import read_timeline, timeline_path
from transforms.elements.reasons import explanation
from transforms.files.paths import is_remote
from transforms.prompts.spec import PromptSpec


class NoRun(Exception):
    """There is nothing to report in this folder; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The run that a report is about.

    ``record`` has the fields of run.json (or of started.json, without a run.json for this run). ``finished`` is false for a run
    that is running or was killed; ``running`` says which. ``samples`` is its timeline.
    """

    work_dir: str
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

    def explained(self, reason: str) -> str:
        """The explanation of a reject's reason, with a complete command."""
        return explanation(reason).replace("WORK_DIR", shlex.quote(self.work_dir))

    def prompt(self) -> PromptSpec | None:
        """The task, None if it is not in the record."""
        settings = self.settings
        try:
            return PromptSpec.from_settings(settings)
        except (KeyError, ValueError, TypeError):
            return None


def read_run(work_dir: str) -> RunFacts:
    """The newest run of a work_dir. Raises NoRun."""
    work_dir = work_dir.rstrip("/") or work_dir
    if not is_remote(work_dir) and not os.path.isdir(work_dir):
        raise NoRun(f"{work_dir} is not a directory; name the work_dir of a run (by default OUTPUT.beam_distill next to the training dataset)")
    ended, started = fields_of(f"{work_dir}/run.json"), fields_of(f"{work_dir}/started.json")
    if ended is None and started is None and not _has_ledger(work_dir):
        raise NoRun(f"{work_dir} has neither run.json nor a ledger; name the work_dir of a run")
    finished = ended is not None and (started is None or started.get("run_id") == ended.get("run_id"))
    record = _intact((ended if finished else started) or {})
    run_id = str(record.get("run_id", ""))
    samples = read_timeline(timeline_path(work_dir, run_id)) if run_id else []
    return RunFacts(work_dir, record, finished, not finished and is_held(work_dir), samples)


_KINDS: dict[str, type | tuple[type, ...]] = {
    "endpoint": dict, "settings": dict, "origins": dict, "verdict": dict, "metrics": dict, "datasets": dict, "warnings": list, "failures": list,
    "wall_s": (int, float), "exit_code": int, "limits": list,
}  # fmt: skip


def _intact(record: dict[str, Any]) -> dict[str, Any]:
    """The record without values of a wrong type: the file may be damaged."""
    kept: dict[str, Any] = {name: value for name, value in record.items() if value is None or isinstance(value, _KINDS.get(name, object))}
    settings = kept.get("settings") or {}
    damaged = {name for name, value in settings.items() if not _is_of_setting(name, value)}
    return {**kept, "settings": {name: value for name, value in settings.items() if name not in damaged}} if damaged else kept


def _is_of_setting(name: str, value: Any) -> bool:
    field = DistillSettings.model_fields.get(name)
    kinds: dict[Any, type | tuple[type, ...]] = {float: (int, float), int: int}
    kind = next((kinds[one] for one in kinds if field is not None and one in (field.annotation, *get_args(field.annotation))), None)
    return kind is None or value is None or isinstance(value, kind)


def _has_ledger(work_dir: str) -> bool:
    if not is_remote(work_dir):
        return os.path.isdir(f"{work_dir}/ledger")
    storage = segments_storage(work_dir)
    try:
        return bool(storage.segments(f"{work_dir}/ledger"))
    finally:
        storage.close()


def sample_rejects(path: str) -> dict[str, list[dict[str, Any]]]:
    """A few rejects of each reason, in every report the same ones."""
    samples: dict[str, FixedSample[dict[str, Any]]] = {}
    for reject in objects_of(path):
        sample = samples.setdefault(str(reject.get("reason")), FixedSample(REJECTS_PER_REASON))
        sample.offer(f"{reject.get('split')} {reject.get('file')} {reject.get('line')!s:>12}", reject)
    return {reason: samples[reason].values() for reason in sorted(samples)}
