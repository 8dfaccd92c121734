"""Inputs about the task and its wording."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from beam_distill.config.base import Section, setting
from beam_distill.config.fields import Flag, TemplateText, read_word
from transforms.elements.tasks import CONDENSED, LABELLED, REASONED, TaskType, named


def _read_task(value: object) -> object:
    if isinstance(value, str):
        name = value.strip().upper().replace("-", "_")
        if name not in TaskType.__members__:
            raise ValueError(f"expected one of {', '.join(TaskType.__members__)}")
        return TaskType[name]
    return value


class PromptSettings(Section):
    """What the rows ask for."""

    data_generation_task_type: Annotated[TaskType, BeforeValidator(_read_task)] = setting(
        ..., "prompts", named(TaskType, "or"), "In any case.", True
    )
    enable_chain_of_thought: Flag = setting(
        False, "prompts", f"reason step by step ({', '.join(REASONED)})", "Needs more tokens: see teacher_model_max_new_tokens.", True
    )
    enable_chain_of_density: Flag = setting(
        False, "prompts", f"four summaries, each denser ({named(CONDENSED)})", "The last one is the answer.", True
    )
    max_len_summary: int = setting(80, "prompts", "words of a summary with chain of density", "", ge=1)
    bare_answers: Annotated[Literal["auto", "always", "never"], BeforeValidator(read_word)] = setting(
        "auto",
        "prompts",
        "plain answers in their bare form: auto, always, never",
        f"{named(LABELLED)} without chain of thought. `auto`: where the row's own instructions ask for a bare number, a letter or one of the "
        "labels they list; other answers stay as the teacher wrote them. `always` rejects every answer that is not one certain number (MATH), "
        "worked solutions too; `never` keeps every text.",
    )
    other_labels: Flag = setting(
        False,
        "prompts",
        "also take answers outside the labels that a row lists",
        "By default such an answer is a reject. With true it is written unchanged, including refusals.",
    )
    user_template: TemplateText | None = setting(
        None,
        "prompts",
        "Jinja template of the user message, columns by name",
        "For rows that are not chats: `Premise: {{premise}}`; `{{row['full text']}}` for names with spaces; `@FILE` reads it from a file.",
        True,
    )
    system_template: TemplateText | None = setting(None, "prompts", "Jinja template of the system message", "Only with user_template.", True)
