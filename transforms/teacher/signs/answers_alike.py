"""Sign: different prompts get the same text, word for word: an error message or an advertisement of a gateway, a mock, a refusal."""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict

from transforms.elements.counter_names import ANSWERS_ALIKE
from transforms.elements.replies import TeacherReply
from transforms.teacher.in_progress import RowInProgress

log = logging.getLogger("beam_distill.teacher")

SHORTEST = 30
"""Characters. Labels, numbers and choices are shorter, and rightly the same."""
TEXTS_KEPT = 4096
"""About 1 MB for each endpoint."""
LOGGED_AT = 5


class AnswersAlike:
    """The latest texts of one endpoint as hashes, each with the latest request that it answered and how many it did."""

    def __init__(self) -> None:
        self._seen: OrderedDict[int, tuple[str, int]] = OrderedDict()
        self._most = 0

    def look(self, row: RowInProgress, reply: TeacherReply, counts: Counter[str]) -> None:
        """Count this answer, if other requests had it too and their messages do not have it, as they have a label."""
        text = reply.content
        if text is None or len(text) < SHORTEST:
            return
        key = hash(text)
        before = self._seen.pop(key, None)
        if before is None:
            self._seen[key] = row.request_hash, 1
            if len(self._seen) > TEXTS_KEPT:
                self._seen.popitem(last=False)
            return
        number = before[1] + (before[0] != row.request_hash)
        self._seen[key] = row.request_hash, number
        if number <= self._most or number == 1 or any(text.strip() in message.content for message in row.request.turns[row.turn]):
            return
        counts[ANSWERS_ALIKE] += number - self._most
        self._most = number
        if number == LOGGED_AT:
            log.warning("%d different prompts got the same answer, word for word: %.100r", number, text)
