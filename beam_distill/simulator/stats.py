"""The counts of the simulated endpoint."""

from __future__ import annotations

from collections import Counter
from typing import Any


class Stats:
    """Counts since the start. ``repeats`` counts answers to payloads that had been answered before,
    ``streams`` streamed answers, including broken ones."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.peak_in_flight = 0
        self.requests = 0
        self.answered = 0
        self.repeats = 0
        self.streams = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.by_status: Counter[str] = Counter()
        self.by_fault: Counter[str] = Counter()
        self.first_request_s: float | None = None
        self.last_answer_s: float | None = None
        self._answered: Counter[bytes] = Counter()

    def arrived(self, now_s: float) -> None:
        """A request came in."""
        self.requests += 1
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        if self.first_request_s is None:
            self.first_request_s = now_s

    def answer_sent(self, digest: bytes, prompt_tokens: int, completion_tokens: int, now_s: float) -> None:
        """A complete answer was sent."""
        self.answered += 1
        self.last_answer_s = now_s
        self._answered[digest] += 1
        if self._answered[digest] > 1:
            self.repeats += 1
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += completion_tokens

    def view(self) -> dict[str, Any]:
        """All counts as JSON values; ``busy_s`` is from the first request to the latest answer."""
        busy_s = 0.0
        if self.first_request_s is not None and self.last_answer_s is not None:
            busy_s = self.last_answer_s - self.first_request_s
        return {
            "requests": self.requests,
            "answered": self.answered,
            "distinct": len(self._answered),
            "repeats": self.repeats,
            "streams": self.streams,
            "in_flight": self.in_flight,
            "peak_in_flight": self.peak_in_flight,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "by_status": dict(self.by_status),
            "by_fault": dict(self.by_fault),
            "busy_s": busy_s,
        }
