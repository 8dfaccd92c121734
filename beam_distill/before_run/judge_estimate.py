"""An estimate of what the judge will be asked."""

from __future__ import annotations

from typing import NamedTuple

from beam_distill.before_run.estimate import BYTES_PER_TOKEN, experience_on_ledger
from beam_distill.before_run.survey import SplitSurvey
from beam_distill.config.settings import DistillSettings
from beam_distill.job.prices import judge_prices
from beam_distill.work_dir.judge_folder import judges_folder
from transforms.acceptance.rubrics import RUBRICS
from transforms.elements.counted import counted
from transforms.elements.usage import Usage
from transforms.files.paths import absolute


class JudgeEstimate(NamedTuple):
    """At most so many questions, and their tokens; ``answers`` are the earlier verdicts that these are estimated from."""

    questions: int
    usage: Usage
    answers: int


def judge_estimate(settings: DistillSettings, surveys: list[SplitSurvey]) -> JudgeEstimate:
    """For the rows to send, as if the other checks accepted every answer."""
    questions = sum(survey.verdicts for survey in surveys)
    if not settings.has_judge or not questions:
        return JudgeEstimate(0, Usage(), 0)
    seen = experience_on_ledger(judges_folder(f"{absolute(settings.resolved_work_dir)}/ledger"), settings.judge_model)
    if seen.answers:
        return JudgeEstimate(questions, seen.tokens.times(questions / seen.answers), seen.answers)
    requests = sum(survey.requests for survey in surveys)
    rubric = settings.judge_rubric or RUBRICS[settings.data_generation_task_type]
    prompt_bytes = len(rubric.encode()) + (sum(survey.payload_bytes for survey in surveys) / requests if requests else 0)
    usage = Usage(round(questions * prompt_bytes / BYTES_PER_TOKEN), questions * settings.judge_max_new_tokens)
    return JudgeEstimate(questions, usage, 0)


def judge_estimate_line(settings: DistillSettings, surveys: list[SplitSurvey]) -> str | None:
    """The estimate as text; None if the judge need not be asked."""
    questions, usage, answers = judge_estimate(settings, surveys)
    if not questions:
        return None
    at_most = "about" if answers else "at most"
    basis = f"from {counted(answers, 'verdict')} on the ledger" if answers else "as if every verdict reached judge_max_new_tokens"
    prices = judge_prices(settings)
    cost = "" if prices is None else f", {at_most} {prices.shown(prices.cost(usage))}"
    tokens = f"about {usage.prompt:,} tokens in and {at_most} {usage.completion:,} out ({basis}){cost}"
    return f"judge       at most {counted(questions, 'question')}: {tokens}"
