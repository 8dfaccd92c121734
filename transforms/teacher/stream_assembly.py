"""Assembles one complete chat completion from the chunks of a stream, in the shape of an unstreamed answer.

Texts of deltas are concatenated, lists are joined item by item, for everything else the last value counts. It supports the chunks of OpenAI and
compatible servers: Azure OpenAI, vLLM, SGLang, llama.cpp, Ollama, LiteLLM, DeepSeek, OpenRouter, Mistral, Gemini, TGI, Groq.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from transforms.teacher.chunk_template import ChunkTemplate, template_of
from transforms.teacher.event_stream import Event, EventReader, next_event
from transforms.teacher.lenient_json import read_json
from transforms.teacher.message_parts import TextSoFar, add_delta, add_log_probabilities, as_json_values

LONGEST_STREAM_BYTES = 256 * 1024 * 1024
"""A token takes some 300 bytes of stream, with log probabilities several thousand."""
KEPT_OF_NO_ANSWER_BYTES = 64 * 1024
MOST_USELESS_TEMPLATES = 8  # OpenAI pads every chunk with random letters: no two are alike
_PLAIN_CHOICES = (frozenset({"index", "delta", "finish_reason"}), frozenset({"index", "delta", "finish_reason", "logprobs"}))
_ASSEMBLED = frozenset({"index", "delta", "message", "finish_reason", "logprobs"})
_SAYS_ERROR = frozenset({"detail", "message", "msg", "code"})
_OF_THE_STREAM = frozenset({"choices", "usage", "error", "obfuscation"})
"""Fields of a chunk that are assembled in another way, or that only a stream has."""


class AnswerTooLong(Exception):
    """The response is longer than any answer."""


class _Choice:
    """One choice so far. ``went_on``: text came after a finish_reason, so that was not the end."""

    def __init__(self) -> None:
        self.message: dict[str, Any] = {}
        self.fields: dict[str, Any] = {}
        self.reason: Any = None
        self.went_on = False

    def assembled(self, index: int) -> dict[str, Any]:
        message = as_json_values(self.message)
        if not message.get("role"):
            message = {"role": "assistant", **message}
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict):
                call.pop("index", None)
        return {"index": index, "message": message, **self.fields, "finish_reason": self.reason}


class StreamAssembly:
    """Fed with the bytes of a response as they arrive; ``body`` is a valid response body at any time.

    A response that is not an event stream is kept unchanged. ``texts`` counts the chunks with a part of the answer: not comments, empty
    chunks and the first one, which only names the role. ``done``: the server has sent ``[DONE]``.
    """

    def __init__(self, longest_bytes: int) -> None:
        self._longest_bytes = longest_bytes
        self._reader = EventReader()
        self._is_stream: bool | None = None
        self._raw = bytearray()
        self._fields: dict[str, Any] = {}
        self._latest: dict[str, Any] = {}
        self._choices: dict[int, _Choice] = {}
        self._usage: Any = None
        self._error: Any = None
        self._complaint: Any = None
        self._template: ChunkTemplate | None = None
        self._templates_left = MOST_USELESS_TEMPLATES
        self._received_bytes = 0
        self._held_bytes = 0
        self.texts = 0
        self.done = False

    @property
    def is_stream(self) -> bool:
        """Whether this is an event stream; False until known."""
        return self._is_stream is True

    @property
    def has_failed(self) -> bool:
        """Whether the server reported an error in the stream."""
        return self._error is not None

    @property
    def is_broken_off(self) -> bool:
        """Whether a part of the answer came, but neither its end nor an error.

        The end is a finish_reason for every choice: gateways send ``[DONE]`` in any case. If a server gives the reason before
        the end (as Gemini's does), it counts only with ``[DONE]``.
        """
        if self._reported_error() is not None:
            return False
        return not all(choice.reason and (self.done or not choice.went_on) for choice in self._choices.values())

    def feed(self, piece: bytes) -> None:
        """Add the next bytes. Raises AnswerTooLong."""
        self._received_bytes += len(piece)
        if not self._choices:
            self._raw += piece
        if self._is_stream is not False:
            self._take_events(self._reader.feed(piece))
        self._check_size()

    def finish(self) -> None:
        """The response has ended."""
        if self._is_stream is not False:
            self._take_events(self._reader.finish())

    def body(self) -> bytes:
        """The response as if it were unstreamed, or the received bytes if they are not a chat completion."""
        if not self._choices:
            return bytes(self._raw)
        _overwrite(self._fields, self._latest)
        fields = {name: value for name, value in self._fields.items() if name not in _OF_THE_STREAM}
        if fields.get("object") == "chat.completion.chunk":
            fields["object"] = "chat.completion"
        fields["choices"] = [self._choices[index].assembled(index) for index in sorted(self._choices)]
        usage = self._usage or _usage_of_groq(fields)
        if usage:
            fields["usage"] = usage
        error = self._reported_error()
        if error is not None:
            fields["error"] = error
        return _encoded(fields)

    def _reported_error(self) -> Any:
        """An error, or a text that is one because no end followed it."""
        if self._error is not None or self._complaint is None:
            return self._error
        return None if all(choice.reason for choice in self._choices.values()) else self._complaint

    def _check_size(self) -> None:
        if self._choices:
            held = self._held_bytes + self._reader.open_bytes
            if held <= self._longest_bytes and self._received_bytes <= LONGEST_STREAM_BYTES:
                return
        elif len(self._raw) <= self._longest_bytes:
            return
        else:
            del self._raw[KEPT_OF_NO_ANSWER_BYTES:]  # enough to recognise it
        raise AnswerTooLong(f"the answer is longer than the {self._longest_bytes} bytes that any answer may have")

    def _take_events(self, events: bytes) -> None:
        start = 0
        while start < len(events) and not self.done and self._is_stream is not False:
            if self._template is not None:
                texts, start = self._template.texts(events, start)
                if texts:
                    self._take_texts(self._template.text, texts)
                    continue
            event, start = next_event(events, start)
            try:
                if isinstance(event, bytes):
                    self._take_one_line(event)
                elif event is not None:
                    self._take_lines(event)
            except RecursionError:
                self._fail("a chunk of the stream has too many levels")

    def _take_texts(self, text: TextSoFar, pieces: list[str]) -> None:
        text.add(*pieces)
        self.texts += len(pieces) - pieces.count("")
        self._held_bytes += sum(map(len, pieces))
        self._templates_left = MOST_USELESS_TEMPLATES

    def _take_one_line(self, line: bytes) -> None:
        self._is_stream = True
        try:
            chunk = orjson.loads(line)
        except orjson.JSONDecodeError:
            self._take_lines(Event((line,)))
            return
        self._take_chunk(chunk, len(line))
        first = self._choices.get(0)
        if self._templates_left and self._latest is chunk and first is not None and not first.reason:
            self._template = template_of(line, chunk, first.message)
            self._templates_left -= self._template is not None

    def _take_lines(self, event: Event) -> None:
        if self._is_stream is None:
            self._is_stream = event.is_event
        if not self._is_stream:
            return
        for value in _values(event.data):
            if value == "[DONE]":
                self.done = True
            elif event.name == b"error" and not (isinstance(value, dict) and value.get("error")):
                self._fail(value if event.status is None else {"status": event.status, "message": value})
            elif isinstance(value, dict):
                self._take_chunk(value, sum(map(len, event.data)))

    def _take_chunk(self, chunk: dict[str, Any], size: int) -> None:
        self._template = None
        if chunk.get("error"):
            self._fail(chunk["error"])
        usage = chunk.get("usage")
        if usage:
            self._usage = usage
        choices = chunk.get("choices")
        if not isinstance(choices, list):
            # a ping, or an error with another name
            if chunk.get("object") == "error" or (_SAYS_ERROR & chunk.keys() and "type" not in chunk):
                self._complaint = chunk
            return
        latest = self._latest
        if chunk.keys() != latest.keys() or chunk.get("id") != latest.get("id"):
            _overwrite(self._fields, latest)
        self._latest = chunk
        for choice in choices:
            if isinstance(choice, dict):
                self._take_choice(choice, size)

    def _take_choice(self, choice: dict[str, Any], size: int) -> None:
        index = choice.get("index")
        if not isinstance(index, int):
            index = 0
        state = self._choices.get(index)
        if state is None:
            state = self._choices[index] = _Choice()
            self._raw.clear()
        delta = choice.get("delta")
        if delta and isinstance(delta, dict):
            added = add_delta(state.message, delta)
            if added:
                self.texts += 1
                self._held_bytes += added
                if state.reason:
                    state.went_on = True
        elif not delta and choice.get("message") and isinstance(choice["message"], dict):
            state.message = dict(choice["message"])
            self.texts += 1
            self._held_bytes += size
        if choice.get("finish_reason"):
            state.reason = choice["finish_reason"]
        if choice.keys() not in _PLAIN_CHOICES:
            _overwrite(state.fields, {name: value for name, value in choice.items() if name not in _ASSEMBLED})
        if "logprobs" in choice:
            said = choice["logprobs"]
            state.fields["logprobs"] = add_log_probabilities(state.fields.get("logprobs"), said)
            if said:
                self._held_bytes += size

    def _fail(self, error: Any) -> None:
        if self._error is None:
            self._error = error


def _values(lines: tuple[bytes, ...]) -> list[Any]:
    """The values of data lines: one value over all lines, or one per line if the empty lines between events are missing."""
    each = [_strictly_read(line) for line in lines]
    if len(each) > 1 and None in each:
        try:
            return [read_json(b"\n".join(lines))]
        except ValueError:
            pass
    return [_leniently_read(line) if value is None else value for line, value in zip(lines, each, strict=True)]


def _strictly_read(line: bytes) -> Any:
    if line.strip() == b"[DONE]":
        return "[DONE]"
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _leniently_read(line: bytes) -> Any:
    try:
        return read_json(line)
    except ValueError:
        return line.decode("utf-8", "replace").strip()


def _overwrite(fields: dict[str, Any], later: dict[str, Any]) -> None:
    """Later values count, unless they are empty: Azure's annotations have neither id nor model."""
    for name, value in later.items():
        if value or name not in fields:
            fields[name] = value


def _encoded(fields: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(fields)
    except TypeError:  # integers over 64 bits and hundreds of levels, from the lenient parser
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _usage_of_groq(fields: dict[str, Any]) -> Any:
    own = fields.get("x_groq")
    return own.get("usage") if isinstance(own, dict) else None
