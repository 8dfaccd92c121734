"""The prompt for a spec."""

from __future__ import annotations

from collections.abc import Callable

from transforms.elements.rows import TaskType
from transforms.prompts.base import Prompt
from transforms.prompts.conversation import ConversationPrompt
from transforms.prompts.mathematics import MathPrompt, MathReasonedPrompt
from transforms.prompts.nli import NliPrompt, NliReasonedPrompt
from transforms.prompts.nlu_qa import NluQaPrompt, NluQaReasonedPrompt
from transforms.prompts.spec import DEFAULT_MAX_LEN_SUMMARY, AnswerRules, PromptSpec
from transforms.prompts.summarization import DenseSummarizationPrompt, SummarizationPrompt

_PLAIN: dict[TaskType, Callable[[AnswerRules], Prompt]] = {
    TaskType.NLI: NliPrompt,
    TaskType.NLU_QA: NluQaPrompt,
    TaskType.MATH: MathPrompt,
    TaskType.CONVERSATION: ConversationPrompt,
    TaskType.SUMMARIZATION: SummarizationPrompt,
}
_REASONED: dict[TaskType, Callable[[AnswerRules], Prompt]] = {
    TaskType.NLI: NliReasonedPrompt,
    TaskType.NLU_QA: NluQaReasonedPrompt,
    TaskType.MATH: MathReasonedPrompt,
}


def prompt_for(spec: PromptSpec) -> Prompt:
    """The prompt that a spec asks for. Raises ValueError for a combination that has no meaning."""
    summarizes = spec.task is TaskType.SUMMARIZATION
    words = spec.max_len_summary if spec.max_len_summary is not None else DEFAULT_MAX_LEN_SUMMARY
    if spec.chain_of_thought and spec.task not in _REASONED:
        can = ", ".join(task.value for task in _REASONED)
        raise ValueError(f"chain of thought is for {can}, not for {spec.task.value}; turn enable_chain_of_thought off")
    if spec.chain_of_density and not summarizes:
        raise ValueError(f"chain of density is for SUMMARIZATION, not for {spec.task.value}; turn enable_chain_of_density off")
    if words != DEFAULT_MAX_LEN_SUMMARY and not summarizes:
        raise ValueError(f"max_len_summary is for SUMMARIZATION, not for {spec.task.value}; leave it out")
    if words < 1:
        raise ValueError(f"max_len_summary is {words}; a summary has at least one word")
    if spec.chain_of_density:
        return DenseSummarizationPrompt(spec.rules, words)
    return (_REASONED if spec.chain_of_thought else _PLAIN)[spec.task](spec.rules)
