"""The log probabilities of a recorded response, for training on soft targets: those of the tokens that a published answer is made of."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from transforms.elements.log_probabilities import AnswerTokens
from transforms.teacher.response import BrokenBody, choice_in

DECIMALS = 6
_END_MARK = re.compile(r"<[|｜/]?[^<>\s]{1,40}>|\[/?[A-Z_]{2,20}\]")
"""What servers list behind the answer's last token: ``<|im_end|>``, ``</s>``."""


def tokens_of(response: str, answer: str) -> AnswerTokens | None:
    """The tokens of a response whose text is ``answer``, in the form of OpenAI's chat completions or of its older completions.

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
    tops = [list(_likely(entry)) for entry in chosen]
    return AnswerTokens(
        tuple(entry["token"] for entry in chosen),
        tuple(_number(entry) for entry in chosen),
        tuple(tuple(top["token"] for top in top_of) for top_of in tops),
        tuple(tuple(_number(top) for top in top_of) for top_of in tops),
    )


def _entries(choice: dict[str, Any]) -> list[dict[str, Any]]:
    said = choice.get("logprobs")
    if not isinstance(said, dict):
        return []
    listed = said.get("content")
    return [entry for entry in (listed if isinstance(listed, list) else _older_form(said)) if _is_token(entry)]


def _older_form(said: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The entries in the form of OpenAI's older completions, which some servers use for chats too: parallel lists."""
    lists = [said.get(name) for name in ("tokens", "token_logprobs", "top_logprobs")]
    tokens, logprobs, tops = (one if isinstance(one, list) else [] for one in lists)
    for token, logprob, top in zip_longest(tokens, logprobs[: len(tokens)], tops[: len(tokens)]):
        yield {"token": token, "logprob": logprob, "top_logprobs": top}


def _likely(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The likely tokens in a token's place: a list of entries, or numbers by token."""
    listed = entry.get("top_logprobs")
    if isinstance(listed, dict):
        listed = [{"token": token, "logprob": logprob} for token, logprob in listed.items()]
    return (top for top in (listed if isinstance(listed, list) else ()) if _is_token(top))


def _is_token(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("token"), str)


def _bytes_of(entry: dict[str, Any]) -> bytes:
    """The bytes of a token: a letter may be cut in two."""
    listed = entry.get("bytes")
    if isinstance(listed, list) and all(isinstance(one, int) and 0 <= one < 256 for one in listed):
        return bytes(listed)
    return str(entry["token"]).encode("utf-8", "replace")


def _span_of(answer: bytes, whole: bytes) -> tuple[int, int] | None:
    """Where the answer is in a text: where it ends the text but for punctuation and marks, or occurs once."""
    begin = whole.rfind(answer) if answer else -1
    if begin < 0:
        return None
    end = begin + len(answer)
    rest = _END_MARK.sub("", whole[end:].decode("utf-8", "replace"))
    before = whole[:begin].decode("utf-8", "replace")[-1:]
    ends_it = not any(map(str.isalnum, rest)) and not (before.isalnum() and answer[:1].isalnum())
    return (begin, end) if ends_it or whole.count(answer) == 1 else None


def _number(entry: dict[str, Any]) -> float | None:
    value = entry.get("logprob")
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    try:
        return round(float(value), DECIMALS) if math.isfinite(value) else None
    except OverflowError:  # an integer that no float holds
        return None
