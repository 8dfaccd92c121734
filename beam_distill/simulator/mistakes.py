"""Wrong answers of a teacher that knows the right ones: plausible, and in known proportions."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Any

from beam_distill.simulator.answers import OPTION, last_question
from beam_distill.simulator.settings import Accuracy

_LAST_NUMBER = re.compile(r"(-?\d[\d,]*(?:\.\d+)?)(?=\D*\Z)")
_LONGEST_LABEL = 40
_MOST_LABELS = 50


class Mistakes:
    """Draws which tries at a known question go wrong, and the wrong answers."""

    def __init__(self, accuracy: Accuracy, known: Mapping[str, str]) -> None:
        self._accuracy = accuracy
        self._known = known
        answers = {answer for answer in known.values() if len(answer) <= _LONGEST_LABEL}
        self._labels = tuple(sorted(answers)) if len(answers) <= _MOST_LABELS else ()
        self._questions = tuple(known)

    def answers(self, messages: list[dict[str, Any]], seed: int, digest: bytes, attempt: int) -> Mapping[str, str]:
        """The answers that the teacher believes in at this try; only the one to the last user message may be wrong.

        ``digest`` identifies the request. A share of the tries has a draw in common, so these are all right or all wrong in the same way.
        """
        question = last_question(messages)
        right = self._known.get(question)
        if right is None or self._accuracy.right >= 1.0:
            return self._known
        own = random.Random(b"mistakes:%d:%s:%d" % (seed, digest, attempt))
        if own.random() < self._accuracy.same_mistakes:
            own = random.Random(b"mistakes:%d:%s" % (seed, digest))
        if own.random() < self._accuracy.right:
            return self._known
        return {question: self._mistaken(question, str(messages), right, own)}

    def _mistaken(self, question: str, request: str, right: str, draw: random.Random) -> str:
        """An answer that looks like the right one."""
        choices = [choice for choice in dict.fromkeys(OPTION.findall(question)) if choice != right]
        if len(right) == 1 and choices:
            return str(draw.choice(choices))
        number = _LAST_NUMBER.search(right)
        if number is not None:
            return right[: number.start()] + _near(number[1], draw) + right[number.end() :]
        others = [label for label in self._labels if label != right]
        if others:
            return draw.choice([label for label in others if label in request] or others)
        another = self._known[draw.choice(self._questions)]
        return another if another != right else " ".join(right.split()[::-1])


def _near(number: str, draw: random.Random) -> str:
    """A number as a slip makes it of another: one off, a carry forgotten, two digits exchanged, doubled."""
    value = float(number.replace(",", ""))
    if value != int(value):
        decimals = len(number.partition(".")[2])
        return f"{value + draw.choice((-1, 1, 10)) * 10.0**-decimals:.{decimals}f}"
    whole = int(value)
    digits = str(abs(whole))
    swapped = int(digits[::-1]) if digits[0] != digits[-1] and digits[-1] != "0" else whole + 9
    slip = draw.choice((whole + 1, whole - 1, whole + 10, whole * 2 if whole else 2, swapped))
    return f"{slip if slip != whole else whole + 1}"
