"""Inputs about rows that double others, which are left out before anything is sent."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from beam_distill.config.base import Section, setting
from beam_distill.config.data import FilePath
from beam_distill.config.fields import Flag, TemplateText, read_word


def _read_doubles(value: object) -> object:
    return "off" if value is False else read_word(value)  # false is off as YAML reads it


class DoublesSettings(Section):
    """Rows that are not worth paying for, or that the student must not see."""

    drop_doubles: Annotated[Literal["off", "exact", "near"], BeforeValidator(_read_doubles)] = setting(
        "off",
        "data",
        "leave out rows like earlier ones: off, exact, near",
        "They become rejects that name the earlier row, and nothing is sent for them. `near` also finds rows with a word replaced, or other "
        "spacing, case or order of sentences; long problems that differ in one number are near too, so for generated variants use `exact`.",
        True,
    )
    near_double_similarity: float = setting(
        0.8,
        "data",
        "how alike near doubles and leaks are, 0.5 to 1",
        "The estimated share of groups of five words that two rows have in common. Too low drops different questions about one text; near 1 "
        "keeps edited copies.",
        ge=0.5,
        le=1,
    )
    drop_leaks: Flag = setting(
        False,
        "data",
        "leave out rows to train on that are validation rows, or nearly",
        "Without it the validation measures in part what the student has seen. The validation input is read before the first request.",
    )
    decontaminate_against: FilePath | None = setting(
        None,
        "data",
        "leave out rows that are in these files: path or glob",
        "Such as the test sets that the student will be measured with: a row with 13 words in a row in common with one of theirs, or nearly "
        "the same. Each process keeps about 8 bytes for each word of these files.",
    )
    decontaminate_template: TemplateText | None = setting(
        None,
        "data",
        "Jinja template of the texts in decontaminate_against",
        "As user_template: `{{question}}`. Default: their rows are read as the job's own.",
    )
