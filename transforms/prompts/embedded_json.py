"""JSON objects as teachers write them: among other text, in fences, almost correct.

Two parsers, each linear in the length of the text. The strict one reads text between matching braces as JSON, but
accepts raw line breaks in strings and keeps the backslash of LaTeX commands that JSON would read as an escape. The
lenient one, used when the first finds nothing certain, also accepts trailing commas, comments, backslashes that escape
nothing, unescaped quotes inside a string, single and typographic quotes, JSON that was encoded twice, and True, False, None;
and, where that is not enough, full-width colons and commas and quotes of two kinds around one text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from transforms.prompts.latex_escapes import keep_commands

LONGEST_REPAIRED = 200_000
"""Characters. Longer text gets the strict parser only."""

DEEPEST = 200
"""Braces open at the same time; a text with more does not count as JSON."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """The value of a key that an object has several times, with different values."""

    count: int


def _without_contradictions(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found and found[key] != value:
            earlier = found[key]
            value = Contradiction(earlier.count + 1 if isinstance(earlier, Contradiction) else 2)
        found[key] = value
    return found


_DECODER = json.JSONDecoder(strict=False, parse_float=Decimal, parse_int=Decimal, parse_constant=str, object_pairs_hook=_without_contradictions)


def _decode(text: str) -> object:
    """A text as JSON. Raises ValueError, also for numbers and nestings that Python cannot hold."""
    try:
        return _DECODER.decode(keep_commands(text))
    except (ArithmeticError, RecursionError) as error:
        raise ValueError(str(error)) from None


@dataclass(frozen=True, slots=True)
class ObjectsFound:
    """The result of a search for objects in a text.

    ``objects``: every complete one with a wanted key, in order, outermost only. ``broken``: after the last of them
    there is one with a wanted key that cannot be read. ``unfinished``: an object is never closed.
    ``other``: there is JSON, but without the keys.
    """

    objects: tuple[Mapping[str, object], ...]
    broken: bool
    unfinished: bool
    other: bool

    @property
    def certain(self) -> bool:
        """Whether the last object is certainly the last one in the text."""
        return bool(self.objects) and not self.broken and not self.unfinished


def read_objects(text: str, names: Sequence[str]) -> ObjectsFound:
    """The objects of a text that have one of the named keys."""
    strict = _read(_strict_candidates(text), names)
    if strict.certain or len(text) > LONGEST_REPAIRED:
        return strict
    lenient = _read(_lenient_candidates(keep_commands(_COMMENT.sub("", _decoded_twice(text)))), names)
    if lenient.certain:
        return lenient
    plain = _with_plain_marks(text)
    if plain != text:
        straightened = _read(_lenient_candidates(plain), names)
        if straightened.certain:
            return straightened
    for reading in (strict, lenient):
        if reading.objects and not reading.broken:
            return reading
    return strict


_COMMENT = re.compile(r"""(?<=[,{\[\]}"'0-9])[ \t]*//[^\n"]*$|/\*[^"*]{0,200}\*/""", re.MULTILINE)
_BARE_QUOTE = re.compile(r'(?<!\\)"')


_WIDE_COLON = re.compile(r"(?<=[\"“”„«»])\s*：\s*(?=[\"“”„«\[{\d-])")
_WIDE_COMMA = re.compile(r"(?<=[\"“”»\]}\d])\s*[，、]\s*(?=[\"“”„«{])")
_OPENING = re.compile(r"(?<=[{\[,:])(\s*)[“”„«]")
_CLOSING = re.compile(r"[“”»](?=\s*[,:}\]])")


def _with_plain_marks(text: str) -> str:
    """A text with JSON's own marks where a model that writes Chinese, German or French puts others: ``{„answer“：«B»}``."""
    text = _WIDE_COMMA.sub(",", _WIDE_COLON.sub(":", text))
    return _CLOSING.sub('"', _OPENING.sub(r'\1"', text))


def _decoded_twice(text: str) -> str:
    """A reply that is JSON inside a JSON text, or whose quotes all have backslashes, as plain JSON; others unchanged."""
    whole = text.strip()
    inner = whole[1:-1] if whole[:1] == '"' == whole[-1:] else whole
    return inner.replace('\\"', '"').replace("\\n", "\n") if '\\"' in inner and not _BARE_QUOTE.search(inner) else text


def matching_keys(found: Mapping[str, object], name: str) -> list[str]:
    """The keys of an object that equal the name: exactly, or else ignoring case, underscores, hyphens and spaces."""
    if name in found:
        return [name]
    plain = _plain_key(name)
    return [key for key in found if _plain_key(key) == plain]


def _plain_key(key: str) -> str:
    return re.sub(r"[\s_\-\"'“”:*`]", "", key).casefold()


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Texts between matching braces, none inside another, and whether an object's brace is never closed."""

    texts: list[str]
    unfinished: bool


def _read(candidates: _Candidates, names: Sequence[str]) -> ObjectsFound:
    mention = re.compile("|".join(re.escape(name).replace("_", r"[\s_-]?") for name in names), re.IGNORECASE)
    objects: list[Mapping[str, object]] = []
    broken = False
    other = False
    for text in candidates.texts:
        if not mention.search(text):
            continue
        try:
            value = _decode(text)
        except ValueError:
            broken = True
            continue
        wanted = list(_holders(value, names))
        other = other or not wanted
        if wanted:
            objects += wanted
            broken = False
    if not objects and not other:
        other = any(_is_json(text) for text in candidates.texts[-2:])
    return ObjectsFound(tuple(objects), broken, candidates.unfinished, other)


def _is_json(text: str) -> bool:
    try:
        return bool(_decode(text))
    except ValueError:
        return False


def _holders(value: object, names: Sequence[str]) -> Iterator[Mapping[str, object]]:
    """The objects in a value that have a wanted key, in order; not those inside such an object."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if any(matching_keys(item, name) for name in names):
                yield item
            else:
                waiting.extend(reversed(item.values()))
        elif isinstance(item, list):
            waiting.extend(reversed(item))


_BEGINS_OBJECT = re.compile(r"""\{\s*["'“”‘„«]""")
_BRACE_OR_QUOTE = re.compile(r'[{}"]')
_QUOTE_OR_BACKSLASH = re.compile(r'["\\]')


def _strict_candidates(text: str) -> _Candidates:
    open_at: list[int] = []
    spans: list[tuple[int, int]] = []
    position = text.find("{")
    while position >= 0:
        token = _BRACE_OR_QUOTE.search(text, position)
        if token is None:
            break
        position = token.end()
        if token[0] == "{":
            open_at.append(token.start())
            if len(open_at) > DEEPEST:
                break
        elif token[0] == "}":
            if open_at:
                _close(spans, open_at.pop(), position)
        else:
            position = _end_of_string(text, position)
        if not open_at and position >= 0:
            position = text.find("{", position)
    unfinished = any(_BEGINS_OBJECT.match(text, start) for start in open_at)
    return _Candidates([text[start:end] for start, end in spans], unfinished)


def _close(spans: list[tuple[int, int]], start: int, end: int) -> None:
    """Adds a span in place of those inside it."""
    while spans and spans[-1][0] > start:
        spans.pop()
    spans.append((start, end))


def _end_of_string(text: str, position: int) -> int:
    """Where a string that began before ``position`` ends; -1 if never."""
    while (token := _QUOTE_OR_BACKSLASH.search(text, position)) is not None:
        if token[0] == '"':
            return token.end()
        position = token.end() + 1
    return -1


_SPACE = re.compile(r"\s*")
_LENIENT_TOKEN = re.compile(r"""["“”'‘{}\[\],:]""")
_CLOSES = {quote: re.compile(closers) for quote, closers in {'"': r'["\\]', "'": r"['\\]", "‘": r"[’\\]"}.items()}
_CLOSES["“"] = _CLOSES["”"] = re.compile(r"[“”\\]")
_ENDS_VALUE = frozenset(",:}]")
_WORDS = {"True": "true", "False": "false", "None": "null"}
_WORD = re.compile(r"\b(?:True|False|None)\b")
_ESCAPE_OR_QUOTE = re.compile(r'\\(u[0-9a-fA-F]{4}|.)|"', re.DOTALL)


def _lenient_candidates(text: str) -> _Candidates:
    """Candidates rewritten as JSON.

    A quote closes a string only if the next character after space is one of ``, : } ]``; a single quote opens one
    only directly after ``{ [ , :``. Other quotes are part of the text.
    """
    written: list[str] = []
    open_at: list[tuple[int, int]] = []  # place in the text, place in the output
    spans: list[tuple[int, int]] = []  # from, to in the output
    comma: tuple[int, int] | None = None  # the text after the last comma, and its place in the output
    value_at = -1  # where the text continues after the last structural character
    position = text.find("{")
    while position >= 0:
        token = _LENIENT_TOKEN.search(text, position)
        if token is None:
            break
        found, start = token[0], token.start()
        written.append(_WORD.sub(lambda word: _WORDS[word[0]], text[position:start]))
        position = token.end()
        if found in "\"“”'‘":
            if found in "'‘" and start != value_at:
                written.append(found)
                continue
            end = _lenient_end_of_string(text, position, _CLOSES[found])
            if end < 0:
                break
            written.append('"' + _ESCAPE_OR_QUOTE.sub(_escape, text[position : end - 1]) + '"')
            position = end
            continue
        value_at = _SPACE.match(text, position).end()  # type: ignore[union-attr]  # matches the empty string too
        if found in "}]" and comma is not None and comma[0] == start:
            written[comma[1]] = ""
        written.append(found)
        if found == ",":
            comma = (value_at, len(written) - 1)
        elif found == "{":
            open_at.append((start, len(written) - 1))
            if len(open_at) > DEEPEST:
                break
        elif found == "}" and open_at:
            _close(spans, open_at.pop()[1], len(written))
        if not open_at:
            position = text.find("{", position)
    unfinished = any(_BEGINS_OBJECT.match(text, start) for start, _ in open_at)
    return _Candidates(["".join(written[start:end]) for start, end in spans], unfinished)


def _lenient_end_of_string(text: str, position: int, closers: re.Pattern[str]) -> int:
    while (token := closers.search(text, position)) is not None:
        position = token.end()
        if token[0] == "\\":
            position += 1
            continue
        after = _SPACE.match(text, position).end()  # type: ignore[union-attr]  # matches the empty string too
        if after == len(text) or text[after] in _ENDS_VALUE:
            return position
    return -1


def _escape(found: re.Match[str]) -> str:
    """A valid JSON escape; for a backslash that escapes nothing, or a bare quote, the escaped character."""
    escaped: str | None = found[1]
    if escaped is None:
        return '\\"'
    if escaped[0] in '"\\/bfnrt' or len(escaped) > 1:
        return found[0]
    return escaped if escaped == "'" else "\\\\" + escaped
