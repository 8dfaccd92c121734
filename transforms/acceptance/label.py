"""The answer equals the row's own: its old label, or that of the label column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transforms.acceptance import equal_mathematics
from transforms.acceptance.base import AnsweredTurn, CheckRefused, Sample
from transforms.elements import reasons
from transforms.elements.rows import PromptRequest
from transforms.elements.tasks import TaskType
from transforms.prompts.answer_form import form_asked_for
from transforms.prompts.answers import choice
from transforms.prompts.base import AnswerRejected, without_label
from transforms.prompts.comparable import certain_number, plain_text, whole_number
from transforms.prompts.label_lists import Label
from transforms.prompts.listed_labels import lettered_choices
from transforms.prompts.named_label import named_label

_LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class LabelCheck:
    """Numbers are compared as numbers, other mathematics by what it means, listed labels and choices by their names, other text as text.

    Case, space around a text and a final full stop do not count. ``similarity`` is how alike two texts must be, from 0 to 1 (2 x their
    common letters in order / all their letters); None: equal. It does not apply to numbers, mathematics and listed labels.
    """

    task: TaskType
    similarity: float | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> LabelCheck:
        """For the task of the settings."""
        return cls(TaskType(settings["data_generation_task_type"]), settings.get("label_similarity"))

    def examine(self, sample: Sample) -> None:
        """Raises CheckRefused."""
        for turn in sample.turns():
            if turn.reference is None or not turn.reference.strip():
                raise CheckRefused(reasons.NO_LABEL, "the row has no label that the answer can be compared with", turn.number)
            differs = self._difference(sample.request, turn, turn.reference)
            if differs is not None:
                raise CheckRefused(reasons.WRONG_LABEL, differs, turn.number)

    def unlisted(self, request: PromptRequest) -> tuple[str, tuple[str, ...]] | None:
        """A row's label and the labels that its instructions list, if the label is none of these, so that no answer can be right."""
        label = request.references[-1]
        if label is None or self.task.answers_are_numbers or self.similarity is not None:
            return None
        question, _ = without_label(request.row.messages)
        listed = form_asked_for(question).labels
        if not listed or _name(label, listed) is not None:
            return None
        return label, tuple(one.name for one in listed)

    def _difference(self, request: PromptRequest, turn: AnsweredTurn, label: str) -> str | None:
        """How an answer differs from its label; None if it does not."""
        differs = f"the answer is {_shown(turn.answer)}, the row's label {_shown(label)}"
        if self.task.answers_are_numbers:
            numbers = certain_number(turn.answer), certain_number(label)
            if None not in numbers:
                return None if numbers[0] == numbers[1] else differs
            finding = equal_mathematics.difference(turn.answer, label)
            return None if finding is None else f"{differs}; {finding}"
        labels = _labels_of(request)
        names = _name(turn.answer, labels), _name(label, labels)
        if None not in names:
            return None if names[0] == names[1] else differs
        texts = plain_text(choice(turn.answer)), plain_text(choice(label))
        if texts[0] == texts[1]:
            return None
        if self.similarity is None:
            return differs
        alike = _similarity(*texts)
        return None if alike >= self.similarity else f"{differs}; they are alike at {alike:.2f}, label_similarity is {self.similarity:g}"


def _labels_of(request: PromptRequest) -> tuple[Label, ...]:
    """The labels or choices that the row itself lists."""
    question, _ = without_label(request.row.messages)
    return form_asked_for(question).labels or lettered_choices(question[-1].content)


def _name(text: str, labels: tuple[Label, ...]) -> str | None:
    try:
        return named_label(text, labels) if labels else None
    except AnswerRejected:
        whole = whole_number(text)
        return None if whole == text else _name(whole, labels)


def _similarity(one: str, other: str) -> float:
    # late: keeps RapidFuzz out of the start
    from rapidfuzz.fuzz import ratio

    return ratio(one, other) / 100


def _shown(text: str) -> str:
    """A text, or its end: a worked solution ends in its result."""
    text = " ".join(text.split())
    return repr(text if len(text) <= _LONGEST_SHOWN else f"...{text[-_LONGEST_SHOWN:]}")
