"""The tokens of an answer and their log probabilities."""

from __future__ import annotations

from typing import NamedTuple


class AnswerTokens(NamedTuple):
    """Parallel lists, one entry for each token: its text, its log probability (natural; None if the server gave no number), and the most likely
    tokens in its place with theirs, as the server gave them."""

    tokens: tuple[str, ...]
    logprobs: tuple[float | None, ...]
    top_tokens: tuple[tuple[str, ...], ...]
    top_logprobs: tuple[tuple[float | None, ...], ...]
