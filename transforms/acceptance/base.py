"""The interface of every check: the answers to a row, accepted or refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from transforms.elements.rows import PromptRequest
from transforms.prompts.base import AnswerRejected


class CheckRefused(AnswerRejected):
    """A usable answer that a check does not accept. ``turn`` counts from 0, ``detail`` is the check's finding."""

    def __init__(self, reason: str, detail: str, turn: int = 0) -> None:
        super().__init__(reason, detail)
        self.turn = turn


class AnsweredTurn(NamedTuple):
    """One turn with its answer. ``question`` is the user's message; ``reference`` the row's own answer to it, None without one."""

    number: int
    question: str
    answer: str
    reference: str | None


class Sample(NamedTuple):
    """A row and the answers to all its turns, as they would be written to the dataset."""

    request: PromptRequest
    answers: tuple[str, ...]

    def turns(self) -> Iterator[AnsweredTurn]:
        """Each turn with its answer."""
        for number, answer in enumerate(self.answers):
            yield AnsweredTurn(number, self.request.turns[number][-1].content, answer, self.request.references[number])


class Check(Protocol):
    """One condition on the answers of a row.

    It is frozen and holds settings only, so it can be pickled. The same sample always has the same result: rows are examined when they
    are counted and again when they are written.
    """

    def examine(self, sample: Sample) -> None:
        """Raises CheckRefused."""
        ...


class WrongSetting(Exception):
    """A check cannot be used with the settings; the text says why and what to do."""
