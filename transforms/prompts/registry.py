"""Which prompt serves which task."""

from __future__ import annotations

from transforms.elements.rows import TaskType
from transforms.prompts.base import Prompt
from transforms.prompts.conversation import ConversationPrompt
from transforms.prompts.mathematics import MathPrompt
from transforms.prompts.nli import NliPrompt
from transforms.prompts.nlu_qa import NluQaPrompt
from transforms.prompts.spec import PromptSpec
from transforms.prompts.summarization import SummarizationPrompt


def prompt_for(spec: PromptSpec) -> Prompt:
    """The prompt for a task. Raises ValueError for a combination that makes no sense."""
    if spec.chain_of_thought and spec.task in (TaskType.CONVERSATION, TaskType.SUMMARIZATION):
        raise ValueError(f"chain of thought is not for {spec.task.value}")
    if spec.chain_of_density and spec.task is not TaskType.SUMMARIZATION:
        raise ValueError(f"chain of density is for SUMMARIZATION, not for {spec.task.value}")
    if spec.task is TaskType.NLI:
        return NliPrompt(spec.chain_of_thought)
    if spec.task is TaskType.NLU_QA:
        return NluQaPrompt(spec.chain_of_thought)
    if spec.task is TaskType.MATH:
        return MathPrompt(spec.chain_of_thought)
    if spec.task is TaskType.SUMMARIZATION:
        return SummarizationPrompt(spec.chain_of_density, spec.max_len_summary)
    return ConversationPrompt()
