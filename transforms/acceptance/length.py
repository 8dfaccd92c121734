"""Bounds on the length of an answer, in words or characters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transforms.acceptance.base import CheckRefused, Sample, WrongSetting
from transforms.elements import reasons
from transforms.elements.counted import counted

BOUNDS = ("min_answer_words", "max_answer_words", "min_answer_characters", "max_answer_characters")


@dataclass(frozen=True, slots=True)
class LengthCheck:
    """Every answer of a row lies within the bounds, which are included. None: no bound. Words are what spaces separate."""

    min_words: int | None = None
    max_words: int | None = None
    min_characters: int | None = None
    max_characters: int | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> LengthCheck:
        """Raises WrongSetting without a bound, or if no answer can be within them."""
        check = cls(*(settings.get(name) for name in BOUNDS))
        if check == cls():
            raise WrongSetting(f"needs a bound: {', '.join(BOUNDS[:-1])} or {BOUNDS[-1]}")
        for unit, least, most in (("words", check.min_words, check.max_words), ("characters", check.min_characters, check.max_characters)):
            if least is not None and most is not None and least > most:
                raise WrongSetting(f"no answer has at least {least} and at most {most} {unit}; correct min_answer_{unit} or max_answer_{unit}")
        return check

    def examine(self, sample: Sample) -> None:
        """Raises CheckRefused."""
        for turn in sample.turns():
            self._bound(turn.number, len(turn.answer.split()), "word", self.min_words, self.max_words)
            self._bound(turn.number, len(turn.answer), "character", self.min_characters, self.max_characters)

    def _bound(self, turn: int, length: int, unit: str, least: int | None, most: int | None) -> None:
        if least is not None and length < least:
            raise CheckRefused(reasons.TOO_SHORT, f"the answer has {counted(length, unit)}; min_answer_{unit}s is {least:,}", turn)
        if most is not None and length > most:
            raise CheckRefused(reasons.TOO_LONG, f"the answer has {counted(length, unit)}; max_answer_{unit}s is {most:,}", turn)
