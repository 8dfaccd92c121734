"""Identical requests share one answer: what is being asked is not asked a second time, what was just answered is not asked again.

Only sensible at temperature 0, where a teacher would say the same twice. Who shares gets a ledger record of its own, so a rerun needs nothing
of this.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

Waiting = TypeVar("Waiting")
Answer = TypeVar("Answer")

ANSWERS_KEPT = 4096
"""Too few, and repeats that lie far apart are paid for again; each costs the memory of a response body."""


class SharedAnswers(Generic[Waiting, Answer]):
    """Who waits for whose answer, by request hash, and the latest answers."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Waiting]] = {}
        self._answers: OrderedDict[str, Answer] = OrderedDict()

    def find(self, request_hash: str) -> Answer | None:
        """A recent answer to the same request."""
        answer = self._answers.get(request_hash)
        if answer is not None:
            self._answers.move_to_end(request_hash)
        return answer

    def join(self, request_hash: str, waiting: Waiting) -> bool:
        """Wait for a request of this hash that is on its way. False when there is none: the caller's own is now the one."""
        others = self._waiting.get(request_hash)
        if others is None:
            self._waiting[request_hash] = []
            return False
        others.append(waiting)
        return True

    def answered(self, request_hash: str, answer: Answer) -> list[Waiting]:
        """The request has its answer; those who waited for it."""
        self._answers[request_hash] = answer
        if len(self._answers) > ANSWERS_KEPT:
            self._answers.popitem(last=False)
        return self._waiting.pop(request_hash, [])

    def given_up(self, request_hash: str) -> list[Waiting]:
        """The request has no answer; those who waited for it have to ask themselves."""
        return self._waiting.pop(request_hash, [])

    def abandon(self) -> list[Waiting]:
        """Nothing is sent any more: everyone who waits."""
        everyone = [waiting for others in self._waiting.values() for waiting in others]
        self._waiting.clear()
        return everyone
