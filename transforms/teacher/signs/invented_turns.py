"""Sign: an answer goes on with a turn of the user.

A model that does not know its end mark, or is served with a wrong chat template, does this.
"""

from __future__ import annotations

import logging
import re
from collections import Counter

from transforms.elements.counter_names import TURNS_INVENTED
from transforms.elements.replies import TeacherReply
from transforms.teacher.in_progress import RowInProgress

log = logging.getLogger("beam_distill.teacher")

MARKS = {
    "human": "Human:",
    "human_capitals": "HUMAN:",
    "user": "User:",
    "user_capitals": "USER:",
    "alpaca": "### Instruction:",
    "vicuna": "### Human:",
    "headed_user": "### User:",
    "tagged_human": "<human>:",
    "chatml": "<|im_start|>user",
    "zephyr": "<|user|>",
    "llama": "[INST]",
    "question": "Q:",
}
"""Beginnings of a line that open a turn of the user, by the name that counters have for them."""
_NAMES = {mark: name for name, mark in MARKS.items()}
_AT_LINE = re.compile(rf"\n[ \t]*({'|'.join(map(re.escape, _NAMES))})")


class InventedTurns:
    """The answers that go on with a user's turn."""

    def __init__(self) -> None:
        self._warned = False

    def look(self, row: RowInProgress, reply: TeacherReply, counts: Counter[str]) -> None:
        """Count this answer, if it has a user's turn that the prompt does not explain."""
        text = reply.content
        if text is None or _AT_LINE.search(text) is None:
            return
        text = text.strip()
        mark = next((found[1] for found in _AT_LINE.finditer(text) if found[1] != MARKS["question"] or text.startswith("A:")), None)
        if mark is None or any(mark in message.content for turn in row.request.turns[: row.turn + 1] for message in turn):
            return
        counter = TURNS_INVENTED + _NAMES[mark]
        counts[counter] += 1
        if not self._warned:
            self._warned = True
            log.warning("an answer goes on with a turn of the user (%s)", mark)


def stop_text(name: str) -> str:
    """The text that ends an answer before the mark with this name."""
    mark = MARKS[name]
    return mark if mark.startswith(("<|", "[")) else f"\n{mark}"
