"""Made-up log probabilities of an answer, in the form of OpenAI's chat completions."""

from __future__ import annotations

from typing import Any

LETTERS_A_TOKEN = 4


def log_probabilities(text: str, top: int) -> dict[str, Any]:
    """A token for every four letters, each with the ``top`` most likely ones: itself, and texts that nobody would say."""
    return {"content": [_token(text[begin : begin + LETTERS_A_TOKEN], top) for begin in range(0, len(text), LETTERS_A_TOKEN)], "refusal": None}


def _token(text: str, top: int) -> dict[str, Any]:
    likely = [_entry(text, 0), *(_entry(f"~{place}", place) for place in range(1, top))][:top]
    return {**_entry(text, 0), "top_logprobs": likely}


def _entry(text: str, place: int) -> dict[str, Any]:
    return {"token": text, "logprob": -0.125 - 2.0 * place, "bytes": list(text.encode())}
