"""A few rows sent before a job, to see the answers and their usage. They go to the ledger, and the job reuses them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from itertools import islice

from beam_distill.before_run.teacher_pool import Teacher
from beam_distill.config.settings import DistillSettings
from beam_distill.job.specs import job_spec, run_files
from beam_distill.work_dir.lock import locked
from beam_distill.work_dir.run_id import new_run_id
from transforms.acceptance.row_result import rules_for
from transforms.control.budget_keeper import keeper_of
from transforms.elements.reasons import CHECK_REASONS
from transforms.elements.rows import PromptRequest, RejectedRow
from transforms.files.paths import absolute
from transforms.intake.walk import walk_split
from transforms.ledger.object_storage import storage_for
from transforms.prompts.base import format_row
from transforms.reuse.paid_answers import PaidAnswers
from transforms.teacher.row_steps import RowSteps
from transforms.teacher.session import close_sessions, shared_session


@dataclass(slots=True)
class PilotResult:
    """The results of the pilot's rows. ``stopped`` says why the run stopped early, None otherwise."""

    sent: int = 0
    answered_before: int = 0
    examples: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    stopped: str | None = None

    @property
    def refused(self) -> int:
        """Rows with a usable answer that a check refused."""
        return sum(count for reason, count in self.reasons.items() if reason in CHECK_REASONS)

    @property
    def usable(self) -> int:
        """Rows with a usable answer."""
        return self.examples + self.refused


def send_pilot(settings: DistillSettings, teacher: Teacher, count: int) -> PilotResult:
    """Send the first ``count`` rows that can be sent. Raises RunRefused when another run holds the work_dir."""
    run_id = new_run_id(datetime.now(timezone.utc), "pilot", run_files(settings.resolved_work_dir, "").ledger_dir)
    settings = settings.model_copy(update={"work_dir": absolute(settings.resolved_work_dir)})
    job = job_spec(settings, teacher.endpoint, run_id, pool=teacher.pool)
    rules = rules_for(job.prompt, job.acceptance)
    result = PilotResult()
    with locked(settings.resolved_work_dir):
        paid = PaidAnswers(job.scoring)
        rows = (format_row(rules.prompt, row) for files in job.rows.splits for row in walk_split(replace(job.rows, limit=None), files))
        pending = []
        for asked in islice((asked for asked in rows if isinstance(asked, PromptRequest)), count):
            replies, complete = rules.replies_on_ledger(asked, paid)
            if complete:
                result.answered_before += 1
            else:
                pending.append((asked, replies))
        paid.close()
        if not pending:
            return result
        try:
            storage = storage_for(job.scoring.ledger_dir, job.scoring.sealing)
            session = shared_session(job.scoring, RowSteps(*rules.for_engine), storage)
            keeper_of(job.scoring, session)
            lane = session.lane()
            lane.put(pending)
            for scored in lane.drain():
                result.sent += 1
                if scored.stopped is not None:
                    result.stopped = scored.stopped.detail
                ended = rules.example_or_reject(scored)
                if isinstance(ended, RejectedRow):
                    result.reasons[ended.reason] = result.reasons.get(ended.reason, 0) + 1
                else:
                    result.examples += 1
        finally:
            close_sessions(job.scoring.run_id)
    return result
