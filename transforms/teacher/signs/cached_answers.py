"""Sign: one response, with the same id and text, answers different requests or several samples of a row. Gateways with a cache do this.

A server whose ids repeat with different texts does not make them unique (one fixed id, or the time in seconds): there the sign means nothing.
"""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict

from transforms.elements.counter_names import ANSWERS_CACHED, IDS_NOT_UNIQUE
from transforms.elements.replies import TeacherReply
from transforms.teacher.in_progress import RowInProgress

log = logging.getLogger("beam_distill.teacher")

IDS_KEPT = 16_384
"""About 4 MB for each endpoint; an id that comes again after more others is not recognised."""
LOGGED_AT = 3
"""Earlier, a server whose ids are not unique may not be known yet."""


class CachedAnswers:
    """The latest response ids of one endpoint, with their request and sample and text, all as hashes."""

    def __init__(self) -> None:
        self._seen: OrderedDict[int, tuple[int, int]] = OrderedDict()
        self._are_unique = True
        self._open = 0
        self._found = 0

    def look(self, row: RowInProgress, reply: TeacherReply, counts: Counter[str]) -> None:
        """Count this answer, if it is the response to another request."""
        if not self._are_unique or not reply.response_id or not reply.content:
            return
        seen = self._seen
        key = hash(reply.response_id)
        this = (hash(row.sharing_key), hash(reply.content))
        before = seen.setdefault(key, this)
        if before is this:
            if len(seen) > IDS_KEPT:
                seen.popitem(last=False)
        elif before[1] != this[1]:
            self._are_unique = False
            seen.clear()
            counts[IDS_NOT_UNIQUE] += 1
            return
        else:
            seen.move_to_end(key)
            self._open += before[0] != this[0]
        if self._open and len(seen) > 1:  # a single id for everything may be a fixed one
            self._count(counts)

    def _count(self, counts: Counter[str]) -> None:
        counts[ANSWERS_CACHED] += self._open
        if self._found < LOGGED_AT <= self._found + self._open:
            log.warning("the same response, with the same id, answers different requests or samples: a gateway seems to have a cache")
        self._found += self._open
        self._open = 0
