"""Identical requests share one answer: a request in flight or recently answered is not sent again.

Only useful at temperature 0, where a teacher would give the same answer. Each sharing row gets its own ledger record, so a rerun does not
need this.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

Waiting = TypeVar("Waiting")
Answer = TypeVar("Answer")

ANSWERS_KEPT = 4096
"""With fewer, distant repeats are paid for again; each costs the memory of a response body."""


class SharedAnswers(Generic[Waiting, Answer]):
    """The waiting rows by request hash, and the latest answers."""

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
        """Wait for a request with this hash. False when none is in flight; the caller's becomes the one that others wait for."""
        others = self._waiting.get(request_hash)
        if others is None:
            self._waiting[request_hash] = []
            return False
        others.append(waiting)
        return True

    def answered(self, request_hash: str, answer: Answer) -> list[Waiting]:
        """The request has its answer. Returns the rows that waited for it."""
        self._answers[request_hash] = answer
        if len(self._answers) > ANSWERS_KEPT:
            self._answers.popitem(last=False)
        return self._waiting.pop(request_hash, [])

    def given_up(self, request_hash: str) -> list[Waiting]:
        """The request got no answer. Returns the rows that waited for it; they must be sent themselves."""
        return self._waiting.pop(request_hash, [])

    def abandon(self) -> list[Waiting]:
        """Nothing more is sent. Returns all waiting rows."""
        everyone = [waiting for others in self._waiting.values() for waiting in others]
        self._waiting.clear()
        return everyone
