"""Verdicts of a judge, on requests that show an answer between tags and ask for a score."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from typing import Any

from beam_distill.simulator.answers import last_question

_TAGGED = re.compile(r"<(question|reference|answer)>\n(.*?)\n</\1>", re.DOTALL)
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_LAST_TURN = re.compile(r"\A.*^user: ", re.DOTALL | re.MULTILINE)


class SimulatedJudge:
    """Knows the right answers, and is right in the share ``right`` of its verdicts."""

    def __init__(self, right: float, known: Mapping[str, str]) -> None:
        self._right = right
        self._known = known

    def verdict(self, messages: list[dict[str, Any]], seed: int, digest: bytes) -> str | None:
        """The reply to a request of this kind; None for others. The same request always gets the same. An answer to a question that is not
        known is right if it says anything."""
        asked = last_question(messages)
        shown = dict(_TAGGED.findall(asked))
        if '"score"' not in asked or not {"question", "answer"} <= shown.keys():
            return None
        question = shown["question"]
        known = self._known.get(question) or self._known.get(_LAST_TURN.sub("", question)) or shown.get("reference")
        draw = random.Random(b"verdict:%d:%s" % (seed, digest))
        is_right = bool(shown["answer"].strip()) if known is None else _same(shown["answer"], known)
        believed = is_right if draw.random() < self._right else not is_right
        score = draw.randint(8, 10) if believed else draw.randint(1, 4)
        return json.dumps({"reason": "It is correct." if believed else "It is not correct.", "score": score})


def _same(one: str, other: str) -> bool:
    numbers = _NUMBER.findall(one), _NUMBER.findall(other)
    if numbers[0] and numbers[1]:
        return float(numbers[0][-1].replace(",", "")) == float(numbers[1][-1].replace(",", ""))
    return one.strip().casefold() == other.strip().casefold()
