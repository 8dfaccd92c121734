"""The log probabilities of a recorded response, for training on soft targets: those of the tokens that a published answer is made of."""

from __future__ import annotations

import math
from typing import Any

from transforms.elements.log_probabilities import AnswerTokens
from transforms.teacher.response import BrokenBody, choice_in

DECIMALS = 6


def tokens_of(response: str, answer: str) -> AnswerTokens | None:
    """The tokens of a response whose text is ``answer``, in the form of OpenAI's chat completions.

    None if the response has no log probabilities, or if it is not certain which tokens are the answer: it was normalised, or its text occurs
    several times. A token at an edge may have more than the answer's text, such as the space before it.
    """
    try:
        entries = _entries(choice_in(response))
    except BrokenBody:
        return None
    texts = [_bytes_of(entry) for entry in entries]
    span = _span_of(answer.encode("utf-8", "replace"), b"".join(texts))
    if span is None:
        return None
    place, chosen = 0, []
    for entry, text in zip(entries, texts, strict=True):
        begin, place = place, place + len(text)
        if begin < span[1] and place > span[0]:
            chosen.append(entry)
    tops = [[top for top in entry.get("top_logprobs") or () if isinstance(top, dict)] for entry in chosen]
    return AnswerTokens(
        tuple(str(entry["token"]) for entry in chosen),
        tuple(_number(entry) for entry in chosen),
        tuple(tuple(str(top.get("token")) for top in top_of) for top_of in tops),
        tuple(tuple(_number(top) for top in top_of) for top_of in tops),
    )


def _entries(choice: dict[str, Any]) -> list[dict[str, Any]]:
    said = choice.get("logprobs")
    listed = said.get("content") if isinstance(said, dict) else None
    return [entry for entry in (listed if isinstance(listed, list) else ()) if isinstance(entry, dict) and isinstance(entry.get("token"), str)]


def _bytes_of(entry: dict[str, Any]) -> bytes:
    """The bytes of a token: a letter may be cut in two."""
    listed = entry.get("bytes")
    if isinstance(listed, list) and all(isinstance(one, int) and 0 <= one < 256 for one in listed):
        return bytes(listed)
    return str(entry["token"]).encode("utf-8", "replace")


def _span_of(answer: bytes, whole: bytes) -> tuple[int, int] | None:
    """Where the answer is in a text: where it ends the text but for punctuation, or occurs once."""
    begin = whole.rfind(answer) if answer else -1
    if begin < 0:
        return None
    end = begin + len(answer)
    rest = whole[end:].decode("utf-8", "replace")
    before = whole[:begin].decode("utf-8", "replace")[-1:]
    ends_it = not any(map(str.isalnum, rest)) and not (before.isalnum() and answer[:1].isalnum())
    return (begin, end) if ends_it or whole.count(answer) == 1 else None


def _number(entry: dict[str, Any]) -> float | None:
    value = entry.get("logprob")
    return round(float(value), DECIMALS) if isinstance(value, (int, float)) and math.isfinite(value) else None
