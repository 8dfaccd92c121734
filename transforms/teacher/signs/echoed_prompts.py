"""Sign: an answer repeats the prompt before it goes on. Servers for the completion of texts do this (``return_full_text``)."""

from __future__ import annotations

from collections import Counter

from transforms.elements.counter_names import PROMPTS_ECHOED
from transforms.elements.replies import TeacherReply
from transforms.teacher.in_progress import RowInProgress

SHORTEST = 20
"""Characters. An answer may rightly begin with a shorter question."""
LONGEST_BEFORE = 60
"""Characters of marks such as a role's name before the prompt."""


class EchoedPrompts:
    """The answers that have the whole prompt at their beginning."""

    def look(self, row: RowInProgress, reply: TeacherReply, counts: Counter[str]) -> None:
        """Count this answer, if it begins with its prompt and goes on."""
        text, prompt = reply.content, row.request.turns[row.turn][-1].content.strip()
        if text is None or len(text) <= len(prompt) or len(prompt) < SHORTEST:
            return
        place = text.find(prompt, 0, len(prompt) + LONGEST_BEFORE)
        if place >= 0 and text[place + len(prompt) :].strip():
            counts[PROMPTS_ECHOED] += 1
