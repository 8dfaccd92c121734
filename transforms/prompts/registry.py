"""The prompt for a spec."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from transforms.elements.tasks import CONDENSED, REASONED, TaskType, named
from transforms.prompts.base import Prompt
from transforms.prompts.conversation import ConversationPrompt
from transforms.prompts.mathematics import MathPrompt, MathReasonedPrompt
from transforms.prompts.nli import NliPrompt, NliReasonedPrompt
from transforms.prompts.nlu_qa import NluQaPrompt, NluQaReasonedPrompt
from transforms.prompts.spec import DEFAULT_MAX_LEN_SUMMARY, AnswerRules, PromptSpec
from transforms.prompts.summarization import DenseSummarizationPrompt, SummarizationPrompt


class TaskPrompts(NamedTuple):
    """The prompts of one task: plain, with chain of thought, and with chain of density up to a number of words; None if not possible."""

    plain: Callable[[AnswerRules], Prompt]
    reasoned: Callable[[AnswerRules], Prompt] | None = None
    dense: Callable[[AnswerRules, int], Prompt] | None = None


PROMPTS: dict[TaskType, TaskPrompts] = {
    TaskType.NLI: TaskPrompts(NliPrompt, NliReasonedPrompt),
    TaskType.NLU_QA: TaskPrompts(NluQaPrompt, NluQaReasonedPrompt),
    TaskType.MATH: TaskPrompts(MathPrompt, MathReasonedPrompt),
    TaskType.CONVERSATION: TaskPrompts(ConversationPrompt),
    TaskType.SUMMARIZATION: TaskPrompts(SummarizationPrompt, dense=DenseSummarizationPrompt),
}


def prompt_for(spec: PromptSpec) -> Prompt:
    """The prompt for a spec. Raises ValueError for an invalid combination."""
    plain, reasoned, dense = PROMPTS[spec.task]
    words = spec.max_len_summary if spec.max_len_summary is not None else DEFAULT_MAX_LEN_SUMMARY
    if spec.chain_of_thought and reasoned is None:
        can = ", ".join(REASONED)
        raise ValueError(f"chain of thought is for {can}, not for {spec.task.value}; turn enable_chain_of_thought off")
    if spec.chain_of_density and dense is None:
        raise ValueError(f"chain of density is for {named(CONDENSED)}, not for {spec.task.value}; turn enable_chain_of_density off")
    if words != DEFAULT_MAX_LEN_SUMMARY and dense is None:
        raise ValueError(f"max_len_summary is for {named(CONDENSED)}, not for {spec.task.value}; leave it out")
    if words < 1:
        raise ValueError(f"max_len_summary is {words}; a summary has at least one word")
    if spec.chain_of_density and dense is not None:
        return dense(spec.rules, words)
    return (reasoned if spec.chain_of_thought and reasoned is not None else plain)(spec.rules)
