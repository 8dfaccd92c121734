"""The judge's endpoint and engine, from a job's settings."""

from __future__ import annotations

from dataclasses import replace

from beam_distill.config.settings import DistillSettings, as_judge
from beam_distill.exit_codes import RunRefused
from beam_distill.work_dir.judge_folder import judges_folder
from transforms.elements.judge_settings import with_judges_settings
from transforms.teacher.specs import EndpointSpec, SamplingSpec, ScoringSpec


def judge_sampling(settings: DistillSettings) -> SamplingSpec:
    """Sampling parameters of every question to the judge: at temperature 0 it says the same of the same answer, as far as its server does."""
    return SamplingSpec(settings.judge_max_new_tokens, temperature=settings.judge_temperature, top_p=None)


def judge_scoring(settings: DistillSettings, teachers: ScoringSpec, endpoint: EndpointSpec) -> ScoringSpec:
    """The judge's engine beside the teacher's."""
    own = as_judge(settings)
    return replace(
        teachers,
        endpoint=endpoint,
        sampling=judge_sampling(settings),
        concurrency=replace(
            teachers.concurrency,
            initial=own.effective_initial_worker_count,
            maximum=own.max_worker_count,
            max_requests_per_minute=own.max_requests_per_minute,
        ),
        ledger_dir=judges_folder(teachers.ledger_dir),
        failures_dir=judges_folder(teachers.failures_dir),
        pool=(),
        ask_again=(),
        is_judge=True,
    )


def of_judge(refused: RunRefused) -> RunRefused:
    """A refusal of the judge's endpoint, with the judge's settings in place of the teacher's."""
    return RunRefused(refused.code, f"the judge: {with_judges_settings(str(refused))}")
