"""submission.json: which job was handed over from a work_dir, and where to."""

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
    """One job that was handed over. ``runner`` is ``flink`` (``master`` is its REST address) or ``portable`` (a job server's)."""

    runner: str
    master: str
    job_id: str
    run_id: str
    work_dir: str
    started: str
    endpoint: dict[str, Any]

    @property
    def name(self) -> str:
        """What the job is called after "the job"; one from a portable jar has no id of its own."""
        return self.job_id or f"of run {self.run_id}"


def submitted(submission: Submission) -> Submission:
    """Leave a note of a submission in its work_dir."""
    _write(submission, asdict(submission))
    return submission


def read_submission(work_dir: str) -> Submission | None:
    """The job that was last handed over from this work_dir and whose end nobody has read yet; None when there is none."""
    fields = fields_of(f"{work_dir}/{FILE}")
    if fields is None or fields.get("ended"):
        return None
    try:
        return Submission(**{name: value for name, value in fields.items() if name != "ended"})
    except TypeError:
        log.warning("%s/%s is damaged: whether a job that was handed over still works there is not known", work_dir, FILE)
        return None


def note_end(submission: Submission, state: str) -> None:
    """Note that the job has ended, and how; ``read_submission`` finds it no more."""
    _write(submission, {**asdict(submission), "ended": state})


def _write(submission: Submission, fields: dict[str, Any]) -> None:
    write_text(f"{submission.work_dir}/{FILE}", json.dumps(fields, indent=2) + "\n")
