"""Reads error bodies of any shape: status, codes, messages and the fields that they name.

Shapes differ by provider, and gateways nest one in another, as objects or as JSON text. So the whole body is searched, without the parts
that repeat the request: a row's text must not count as the server's words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from transforms.teacher.lenient_json import read_json
from transforms.teacher.server_hints import wait_asked_s

LONGEST_TEXT = 4_000  # of a longer text, which repeats a prompt, only the beginning and the end are used
LONGEST_MESSAGE = 8_000
DEEPEST = 16
LONGEST_WAIT_S = 1e8  # a larger number is a moment
_STATUS_KEYS = frozenset({"code", "status", "statuscode", "httpstatus", "httpstatuscode", "httpcode", "errorcode"})
_CODE_KEYS = _STATUS_KEYS | {"type", "errortype", "reason", "name", "error", "object"}
_WAIT_KEYS = {
    **dict.fromkeys(("retryafter", "retryafterseconds", "retryaftersec", "retryafters", "retryin", "retryat", "waitseconds"), 1.0),
    **dict.fromkeys(("resetseconds", "resetin", "resetinseconds", "resetsin", "resetsinseconds", "resetafter", "resetafterseconds"), 1.0),
    **dict.fromkeys(("resetat", "resetsat", "resettime", "cooldownseconds", "cooldownremaining", "nextretryat", "nextallowedat"), 1.0),
    **dict.fromkeys(("retryafterms", "retrydelayms", "resetms", "resetinms", "resetafterms", "cooldownms"), 0.001),
}
"""Names of waits, and the unit of a plain number in seconds; durations and times are in their own units."""
_PARAMETER_KEYS = frozenset({"param", "parameter", "field"})
# fields that repeat the request or are an answer; headers of the gateway do not count either
_ECHO_KEYS = frozenset(
    {
        "input",
        "inputs",
        "ctx",
        "messages",
        "prompt",
        "request",
        "requestbody",
        "flaggedinput",
        "choices",
        "candidates",
        "content",
        "text",
        "output",
        "failedgeneration",
        "result",
        "results",
        "response",
        "answer",
        "completion",
        "generatedtext",
        "generations",
        "headers",
        "traceback",
        "stack",
        "url",
        "usage",
        "@type",
        "links",
    }
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-zA-Z0-9_])(?=[\u4e00-\u9fff])|(?<=[\u4e00-\u9fff])(?=[a-zA-Z0-9_])")
_VALUE = json.JSONDecoder(strict=False)
_QUOTES = re.compile(r"[\"'`´‘’“”\\*]")
_GAPS = re.compile(r"[_\s]+")
_CODE = re.compile(r"[\w.:/ -]{1,64}")
_FIELD_LINE = re.compile(r"^(\w+(?: -> \w+)+)\n[ \t]+", re.MULTILINE)  # pydantic 1 as text: the error comes on the next line
_MARKUP = re.compile(r"\s*<[a-zA-Z!?]")
_STREAM_LINE = re.compile(r"^(?:data|event|id|retry)?:", re.ASCII)
_STREAM_STATUS = re.compile(r"^:\s*HTTP_STATUS/(\d{3})", re.MULTILINE)


@dataclass(slots=True)
class ErrorBody:
    """The content of an error body.

    ``status`` is the outermost HTTP status in it. ``codes`` are words such as ``rate limit exceeded``, ``sentences`` all messages,
    both as ``plain`` writes them. ``parameters`` are the fields that are named as wrong. ``wait_s`` is a wait in seconds.
    """

    status: int | None = None
    codes: list[str] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    parameters: list[str] = field(default_factory=list)
    wait_s: float | None = None
    _now_epoch_s: float = 0.0
    _status_depth: int = DEEPEST + 1

    @property
    def message(self) -> str:
        """All messages and codes, one per line."""
        return "\n".join([*self.sentences, *self.codes])[:LONGEST_MESSAGE]


def plain(text: str) -> str:
    """A text in the form of the patterns: lower case, camelCase, snake_case and text between Chinese as words, without quotes."""
    return _GAPS.sub(" ", _QUOTES.sub("", _HUMP.sub(" ", text))).lower().strip()


def read_error(reported: object, now_epoch_s: float = 0.0) -> ErrorBody:
    """The content of an error body, given as parsed value, bytes or text. A web page has no content."""
    found = ErrorBody(_now_epoch_s=now_epoch_s)
    if isinstance(reported, (bytes, str)):
        _text(reported if isinstance(reported, str) else reported.decode("utf-8-sig", "replace"), "", found, 0)
    else:
        _walk(reported, "", found, 0)
    return found


def is_web_page(text: str) -> bool:
    """Whether a text is HTML or XML."""
    return _MARKUP.match(text) is not None


def is_event_stream(text: str) -> bool:
    """Whether a text is server-sent events."""
    return _STREAM_LINE.match(text.lstrip()) is not None


def _walk(value: object, key: str, found: ErrorBody, depth: int) -> None:
    if depth > DEEPEST:
        return
    if isinstance(value, dict):
        _object(value, found, depth)
    elif isinstance(value, list):
        for item in value[:50]:
            _walk(item, key, found, depth + 1)
    elif key in _WAIT_KEYS and _is_wait(value, _WAIT_KEYS[key], found):
        return
    elif isinstance(value, str):
        _text(value, key, found, depth)
    elif isinstance(value, int) and not isinstance(value, bool) and key in _STATUS_KEYS:
        _status(value, found, depth)


def _object(fields: dict[str, object], found: ErrorBody, depth: int) -> None:
    location = fields.get("loc")
    if isinstance(location, list):  # pydantic: the field and its error belong together
        found.parameters.extend(plain(str(part)) for part in location if not isinstance(part, int))
        said = " ".join([*map(str, location[:8]), str(fields.get("msg", "")), str(fields.get("type", ""))])
        found.sentences.append(plain(said))
        return
    if fields.get("filtered") is True or fields.get("flagged") is True or fields.get("blockReason"):
        found.codes.append("content filter")
    for key, value in fields.items():
        key = key.lower().replace("_", "").replace("-", "")
        if key not in _ECHO_KEYS or (isinstance(value, dict) and any(name.lower() == "error" for name in value)):
            _walk(value, key, found, depth + 1)


def _text(text: str, key: str, found: ErrorBody, depth: int) -> None:
    text = text.strip()
    if not text or depth > DEEPEST or is_web_page(text):
        return
    if text[0] in "{[" or is_event_stream(text):
        inner = list(_values_in(text, found, depth))
        for value in inner:
            _walk(value, key, found, depth + 1)
        if inner:
            _text(_after_value(text), key, found, depth + 1)
            return
    if len(text) > LONGEST_TEXT:
        text = f"{text[: LONGEST_TEXT // 2]}\n{text[-LONGEST_TEXT // 2 :]}"
    text = _FIELD_LINE.sub(lambda field: field[1].replace("->", " ") + " ", text)
    if key in _PARAMETER_KEYS:
        found.parameters.append(plain(text))
    elif key in _CODE_KEYS and _CODE.fullmatch(text):
        if text.isascii() and text.isdigit() and len(text) < 6:
            _status(int(text), found, depth)
        found.codes.append(plain(text.rsplit("#", 1)[-1]))
        if key == "error" and " " in text:  # LM Studio and Ollama have a sentence there
            found.sentences.append(plain(text))
    else:
        found.sentences.extend(line for line in map(plain, text.splitlines()) if line)


def _values_in(text: str, found: ErrorBody, depth: int) -> Iterator[object]:
    stream_status = _STREAM_STATUS.search(text)
    if stream_status is not None:
        _status(int(stream_status[1]), found, depth)
    pieces = [line[5:] for line in text.splitlines() if line.startswith("data:")] if text[0] not in "{[" else [text]
    for piece in pieces[:50]:
        try:
            value = read_json(piece)
        except ValueError:
            continue
        if isinstance(value, (dict, list)):
            yield value


def _after_value(text: str) -> str:
    """The text after a leading JSON value: Zhipu writes ``[1305][the words]``, gateways an object and then words."""
    try:
        return text[_VALUE.raw_decode(text)[1] :]
    except (ValueError, RecursionError):
        return ""


def _is_wait(value: object, unit_s: float, found: ErrorBody) -> bool:
    """Whether a field's value is a wait; the longest one is kept. -1 is not: some servers write it if they do not know."""
    text = str(value)
    asked_s = None if isinstance(value, bool) or text.startswith("-") else wait_asked_s(text, found._now_epoch_s)
    if asked_s is None or asked_s * unit_s >= LONGEST_WAIT_S:
        return False
    found.wait_s = max(found.wait_s or 0.0, asked_s * unit_s)
    return True


def _status(number: int, found: ErrorBody, depth: int) -> None:
    if 40_000 <= number < 60_000:  # FastChat and similar: a status and two digits
        number //= 100
    if 400 <= number < 600 and depth < found._status_depth:
        found.status, found._status_depth = number, depth
