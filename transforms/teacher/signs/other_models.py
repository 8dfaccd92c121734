"""Sign: one endpoint's answers name different models. A gateway may fall back to another model, with status 200.

A single name that is not the requested one is an alias, and no sign.
"""

from __future__ import annotations

import logging
from collections import Counter

from transforms.elements.counter_names import ANSWERED_AS
from transforms.elements.replies import TeacherReply
from transforms.teacher.in_progress import RowInProgress
from transforms.web.redaction import printable

log = logging.getLogger("beam_distill.teacher")

MOST_NAMES = 16
"""Names counted for an endpoint; answers with later ones count together."""
LONGEST_NAME = 100
FURTHER = "further models"


class OtherModels:
    """One endpoint's answers by the model that they name. ``number`` is the endpoint's, from 1."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._counters: dict[str, str] = {}

    def look(self, row: RowInProgress, reply: TeacherReply, counts: Counter[str]) -> None:
        """Count the name in this answer, if it has one."""
        if reply.model is None:
            return
        counter = self._counters.get(reply.model)
        if counter is None:
            counter = self._new(reply.model)
        counts[counter] += 1

    def _new(self, model: str) -> str:
        if len(self._counters) >= MOST_NAMES:
            return f"{ANSWERED_AS}{self._number}_{FURTHER}"
        if self._counters and plain_name(model) not in map(plain_name, self._counters):
            log.warning("an answer says that it is from %s, earlier ones from %s", printable(model), printable(next(iter(self._counters))))
        counter = self._counters[model] = f"{ANSWERED_AS}{self._number}_{printable(model[:LONGEST_NAME])}"
        return counter


def plain_name(model: str) -> str:
    """The name without its publisher, in lower case: gateways add and drop both."""
    return model.rpartition("/")[2].lower()
