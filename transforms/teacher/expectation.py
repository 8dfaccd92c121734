"""The expected and the worst usage of a request, learned from answers."""

from __future__ import annotations

from transforms.elements.usage import TokenPrices, Usage

ANSWERS_OF_DOUBT = 4
"""The mean length includes this many answers at the token limit, because short answers come back first."""
MOST_TOKENS_PER_BYTE = 1.0
"""No byte-level tokenizer produces more tokens."""
ROOM_FOR_OTHER_PROMPTS = 1.5
"""Factor for a prompt with more tokens per byte than the densest so far: another script, another kind of text."""
ROUGH_BYTES_PER_TOKEN = 4.0


class Expectation:
    """Tokens of a request from the bytes of its body. ``most_new_tokens`` is the limit of an answer."""

    def __init__(self, most_new_tokens: int, prices: TokenPrices) -> None:
        self._reasoning_is_dearer = prices.per_million_reasoning is not None and prices.per_million_reasoning > (prices.per_million_out or 0.0)
        self._limit = self._longest = float(most_new_tokens)
        self._answers = 0
        self._bytes = 0
        self._prompt = self._completion = self._cached = self._reasoning = 0
        self._densest = 0.0

    def answered(self, body_bytes: int, usage: Usage) -> None:
        """One more answer with reported tokens."""
        self._answers += 1
        self._bytes += body_bytes
        prompt, completion, cached, reasoning = usage
        self._prompt += prompt
        self._completion += completion
        self._cached += cached
        self._reasoning += reasoning
        if body_bytes and prompt > self._densest * body_bytes:
            self._densest = prompt / body_bytes
        if completion > self._longest:  # not every server keeps the limit
            self._longest = float(completion)

    def expected(self, body_bytes: int) -> Usage:
        """The expected usage of a request; before the first answer, the worst."""
        if not self._answers or not self._bytes:
            return self.at_worst(body_bytes)
        prompt = body_bytes * self._prompt / self._bytes
        completion = (self._completion + ANSWERS_OF_DOUBT * self._limit) / (self._answers + ANSWERS_OF_DOUBT)
        cached = prompt * self._cached / self._prompt if self._cached else 0.0
        reasoning = completion * self._reasoning / self._completion if self._reasoning else 0.0
        return Usage(round(prompt), round(completion), round(cached), round(reasoning))

    def at_worst(self, body_bytes: int) -> Usage:
        """The worst usage: nothing cached, and the longest possible answer."""
        per_byte = min(MOST_TOKENS_PER_BYTE, ROOM_FOR_OTHER_PROMPTS * self._densest) if self._answers else MOST_TOKENS_PER_BYTE
        return Usage(int(body_bytes * per_byte) + 1, int(self._longest), 0, int(self._longest) if self._reasoning_is_dearer else 0)


def roughly(body_bytes: int, answer: str) -> Usage:
    """Estimated tokens of an answer whose endpoint reports none."""
    return Usage(round(body_bytes / ROUGH_BYTES_PER_TOKEN), round(len(answer.encode("utf-8", "replace")) / ROUGH_BYTES_PER_TOKEN))
