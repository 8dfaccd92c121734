"""submission.json: the job that was submitted from a work_dir, and its cluster."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from typing import Any

from beam_distill.work_dir.files import fields_of, write_text

log = logging.getLogger("beam_distill")

FILE = "submission.json"


@dataclass(frozen=True, slots=True)
class Submission:
    """One submitted job. ``runner`` is ``flink`` (``master`` is its REST address) or ``portable`` (a job server's)."""

    runner: str
    master: str
    job_id: str
    run_id: str
    work_dir: str
    started: str
    endpoint: dict[str, Any]

    @property
    def name(self) -> str:
        """The job's name in messages, after "the job"; one from a portable jar has no id."""
        return self.job_id or f"of run {self.run_id}"


def submitted(submission: Submission) -> Submission:
    """Write a submission to its work_dir."""
    _write(submission, asdict(submission))
    return submission


def read_submission(work_dir: str) -> Submission | None:
    """The latest submitted job of this work_dir, if its end has not been read yet; else None."""
    fields = fields_of(f"{work_dir}/{FILE}")
    if fields is None or fields.get("ended"):
        return None
    try:
        return Submission(**{name: value for name, value in fields.items() if name != "ended"})
    except TypeError:
        log.warning("%s/%s is damaged: it is not known whether a submitted job still works there", work_dir, FILE)
        return None


def note_end(submission: Submission, state: str) -> None:
    """Record the job's final state; ``read_submission`` no longer returns it."""
    _write(submission, {**asdict(submission), "ended": state})


def _write(submission: Submission, fields: dict[str, Any]) -> None:
    write_text(f"{submission.work_dir}/{FILE}", json.dumps(fields, indent=2) + "\n")
