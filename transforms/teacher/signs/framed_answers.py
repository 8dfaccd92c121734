"""Sign: an answer has words to its reader around it, such as ``Here is a summary:`` and ``Let me know if you need more``."""

from __future__ import annotations

import re
from collections import Counter

from transforms.elements.counter_names import ANSWERS_FRAMED
from transforms.elements.replies import TeacherReply
from transforms.teacher.in_progress import RowInProgress

LONGEST_FRAME = 160
"""Characters of the first or last line that count as such words."""
_OPENING = re.compile(
    r"(?:(?:sure|certainly|of course|absolutely|okay|ok)\b[,.!]?\s*)?"
    r"(?:(?:here(?:'s|\u2019s| is| are)|below is|the following is)\b[^\n]*:|\W*(?:concise |brief )?summary\W*:\W*)\s*\n",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:let me know|feel free to|would you like|i hope th(?:is|at)|is there anything else|if you(?:'d|\u2019d| would| need| want| have))\b",
    re.IGNORECASE,
)


class FramedAnswers:
    """The answers whose first line announces the text, or whose last one speaks to the reader. In English only."""

    def look(self, row: RowInProgress, reply: TeacherReply, counts: Counter[str]) -> None:
        """Count this answer, if it has such a line beside others."""
        text = (reply.content or "").strip()
        first, last = text[:LONGEST_FRAME], text[text.rfind("\n") + 1 :]
        closes = len(last) < min(len(text), LONGEST_FRAME) and _CLOSING.match(last) is not None
        if closes or _OPENING.match(first) is not None:
            counts[ANSWERS_FRAMED] += 1
