"""Samples of one row for checks."""

from builders import a_row

from transforms.acceptance.base import Check, CheckRefused, Sample
from transforms.elements.tasks import TaskType
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import PromptSpec


def a_sample(
    answer: str, label: str | None = None, question: str = "What is it?", system: str | None = None, task: TaskType = TaskType.NLI
) -> Sample:
    messages = [("system", system)] if system is not None else []
    messages += [("user", question)]
    messages += [("assistant", label)] if label is not None else []
    return Sample(prompt_for(PromptSpec(task)).format(a_row(*messages)), (answer,))


def refusal(check: Check, sample: Sample) -> tuple[str, str] | None:
    """Reason and finding, None if the check accepts the sample."""
    try:
        check.examine(sample)
    except CheckRefused as refused:
        return refused.reason, refused.detail
    return None
