"""Assembles the parts of a message from the chunks of a stream."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

_SAID_ONCE = frozenset({"role", "name", "type", "id", "tool_call_id", "index", "format", "signature"})
"""Texts that later chunks do not continue; some servers repeat them in each."""
_CONTINUED = frozenset({"text", "thinking", "reasoning", "output_text", "reasoning.text", "reasoning.summary"})
"""Types of parts without a number that the next part of the same type continues."""
_PIECES_KEPT = 1024
_SHORTEST_REPEAT = 8
"""Letters of a last piece that is all of the text before it, from which on the server repeated it, and not the model."""
_FEWEST_PIECES = 3
"""Pieces before such a last one; and pieces, each the one before and more, from which on each is the whole text so far."""


class TextSoFar:
    """A text that grows in pieces, in time linear in its length.

    Some servers end a stream with the whole text once more (RAGFlow), others send it whole in every piece (DashScope).
    """

    __slots__ = ("_joined", "_pieces")

    def __init__(self, piece: str) -> None:
        self._joined: list[str] = []
        self._pieces = [piece]

    def add(self, *pieces: str) -> None:
        """One or more pieces."""
        self._pieces += pieces
        if len(self._pieces) > _PIECES_KEPT:
            if self._each_is_whole():
                del self._pieces[: -_FEWEST_PIECES - 1]
                return
            # a string of four letters takes as much memory as one of fifty
            self._joined.append("".join(self._pieces))
            self._pieces.clear()

    def whole(self) -> str:
        """The text up to now, once."""
        last = self._pieces[-1] if self._pieces else ""
        if self._each_is_whole():
            return last
        text = "".join([*self._joined, *self._pieces])
        earlier = text[: len(text) - len(last)].strip()
        is_repeat = len(last) >= _SHORTEST_REPEAT and earlier == last.strip() and (self._joined or len(self._pieces) > _FEWEST_PIECES)
        return last if is_repeat else text

    def _each_is_whole(self) -> bool:
        """Whether every piece is the one before and more; the last may be the one before."""
        pieces = self._pieces if self._pieces[:1] != [""] else self._pieces[1:]
        if self._joined or len(pieces) <= _FEWEST_PIECES:
            return False
        growing = pieces[:-1] if pieces[-1] == pieces[-2] and len(pieces) > _FEWEST_PIECES + 1 else pieces
        return all(len(later) > len(earlier) and later.startswith(earlier) for earlier, later in pairwise(growing))


def add_delta(fields: dict[str, Any], delta: dict[str, Any]) -> int:
    """Add a delta to the ``fields`` of a message. Returns the number of letters of the answer in it."""
    added = 0
    for name, value in delta.items():
        if type(value) is str:
            held = fields.get(name)
            if type(held) is TextSoFar:
                if value:
                    held.add(value)
                    added += len(value)
            elif name in _SAID_ONCE:
                if value or held is None:
                    fields[name] = value
            elif isinstance(held, list):
                added += _add_items(held, [{"type": "text", "text": value}]) if value else 0
            else:
                fields[name] = TextSoFar(value)
                added += len(value)
        elif isinstance(value, list):
            added += _add_list(fields, name, value)
        elif isinstance(value, dict):
            held = fields.get(name)
            if not isinstance(held, dict):
                held = fields[name] = {}
            added += add_delta(held, value)
        elif value is not None or name not in fields:
            fields[name] = value
    return added


def as_json_values(value: Any) -> Any:
    """The same value with plain strings."""
    if isinstance(value, TextSoFar):
        return value.whole()
    if isinstance(value, dict):
        return {name: as_json_values(inner) for name, inner in value.items()}
    return [as_json_values(item) for item in value] if isinstance(value, list) else value


def add_log_probabilities(held: Any, later: Any) -> Any:
    """The lists of token data, joined."""
    if not isinstance(held, dict) or not isinstance(later, dict):
        return later or held
    for name, value in later.items():
        if isinstance(value, list) and isinstance(held.get(name), list):
            held[name].extend(value)
        elif value is not None:
            held[name] = value
    return held


def _add_list(fields: dict[str, Any], name: str, items: list[Any]) -> int:
    held = fields.get(name)
    if isinstance(held, TextSoFar):  # a text became a list of parts: Mistral, between thinking and answer
        text = held.whole()
        held = [{"type": "text", "text": TextSoFar(text)}] if text else None
    if not isinstance(held, list):
        held = []
    fields[name] = held
    return _add_items(held, items)


def _add_items(held: list[Any], items: list[Any]) -> int:
    added = 0
    for item in items:
        if not isinstance(item, dict):
            held.append(item)
            added += len(item) if isinstance(item, str) else 1
            continue
        earlier = _continued_by(held, item)
        if earlier is None:
            earlier = {}
            held.append(earlier)
        added += add_delta(earlier, item)
    return added


def _continued_by(held: list[Any], item: dict[str, Any]) -> dict[str, Any] | None:
    """The part that ``item`` continues; None if it is a new one."""
    index = item.get("index")
    for earlier in reversed(held):
        if isinstance(earlier, dict) and (index is None or earlier.get("index") == index):
            return earlier if _goes_on(earlier, item) else None
        if index is None:
            return None
    return None


def _goes_on(earlier: dict[str, Any], item: dict[str, Any]) -> bool:
    if item.get("type") and earlier.get("type") and item["type"] != earlier["type"]:
        return False
    # Gemini gives every call the number 0
    if any(item.get(name) and earlier.get(name) and item[name] != earlier[name] for name in ("id", "signature")):
        return False
    called, before = _name_of(item), _name_of(earlier)
    if called and before and called != before:
        return False
    if item.get("index") is not None:
        return True
    if "function" in item:
        return not item.get("id") or item["id"] == earlier.get("id")
    return item.get("type") in _CONTINUED and not earlier.get("signature")


def _name_of(call: dict[str, Any]) -> Any:
    function = call.get("function")
    return function.get("name") if isinstance(function, dict) else None
