"""Parses a chat completion from a response body."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from transforms.elements.failures import FailureKind
from transforms.elements.finish_reasons import Ending, ending_of
from transforms.elements.replies import TeacherReply
from transforms.teacher.error_body import is_event_stream, is_web_page
from transforms.teacher.kinds.registry import completion_in
from transforms.teacher.lenient_json import read_json
from transforms.teacher.message_text import content_of, refusal_of, thought_of
from transforms.teacher.reported_usage import read_usage

LONGEST_MESSAGE = 500
_ERROR_FIELDS = frozenset(
    {
        "detail",
        "message",
        "msg",
        "code",
        "status",
        "statuscode",
        "success",
        "ok",
        "exception",
        "header",  # Spark
        "baseresp",  # MiniMax
        "responsemetadata",  # Volcengine
        "fault",  # Apigee
        "promptfilterresults",  # Azure OpenAI
        "promptfeedback",  # Gemini
    }
)
"""Names of fields, in lower case and without underscores, that report an error, like all names that begin with ``err``."""
_WRAPPERS = ("data", "result", "response", "output", "body", "completion")
"""Fields in which gateways nest a chat completion."""
_NO_ERROR = frozenset({"", "0", "200", "ok", "success", "none", "null"})


class BrokenBody(ValueError):
    """The body is not a chat completion; the text describes it."""


class ErrorInside(BrokenBody):
    """A body of status 200 that reports an error.

    ``reported`` is the part with the error, ``otherwise`` its kind if it is unknown.
    """

    def __init__(self, what: str, reported: object, otherwise: FailureKind = FailureKind.BROKEN_BODY) -> None:
        super().__init__(what)
        self.reported = reported
        self.otherwise = otherwise


class BrokenOff(BrokenBody):
    """The server reports that it stopped in the middle of the answer."""


def read_reply(body: bytes | str, turn: int, attempts: int, latency_ms: float) -> TeacherReply:
    """The answer of an endpoint of any kind as a reply.

    Raises BrokenBody when it cannot be parsed, has an error, has no choice or was broken off: faults of transport or server, worth
    a retry. A choice without content is a reply (its content is None): it was answered and paid for.
    """
    fields = completion_in(_unwrapped(_fields(body)))
    if _reports(fields.get("error")):
        raise _error_inside(fields["error"])
    choice = _first_choice(fields)
    if choice.get("error"):
        raise ErrorInside("an error inside the choice", choice["error"], FailureKind.BROKEN_OFF)
    finish_reason = _finish_reason(choice, fields)
    ending = ending_of(finish_reason)
    if ending is Ending.BROKEN_OFF:
        raise BrokenOff(f"the answer was broken off (finish_reason {finish_reason})")
    message = _message(choice)
    if message is None and ending in (Ending.FILTERED, Ending.CUT_OFF):
        message = {}  # Gemini omits it if the whole answer is blocked
    if message is None:
        raise BrokenBody("the choice has no message")
    usage = read_usage(fields.get("usage"))
    model, response_id = fields.get("model"), fields.get("id")
    return TeacherReply(
        turn,
        content_of(message.get("content")),
        thought_of(message),
        finish_reason,
        usage.prompt_tokens,
        usage.completion_tokens,
        attempts,
        latency_ms,
        refusal=refusal_of(message),
        wants_tools=bool(message.get("tool_calls") or message.get("function_call")),
        cached_tokens=usage.cached_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        model=model if model and isinstance(model, str) else None,
        response_id=response_id if isinstance(response_id, str) else None,
    )


def choice_in(body: bytes | str) -> dict[str, Any]:
    """The choice that ``read_reply`` reads. Raises BrokenBody."""
    return _first_choice(completion_in(_unwrapped(_fields(body))))


def _first_choice(fields: dict[str, object]) -> dict[str, Any]:
    choices = fields.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise _no_choices(fields)
    choice: dict[str, Any] = choices[0]
    if len(choices) > 1:
        choice = next((one for one in choices if isinstance(one, dict) and one.get("index") == 0), choice)
    return choice


def _fields(body: bytes | str) -> dict[str, object]:
    try:
        fields = read_json(body)
    except ValueError as error:
        raise _not_json(body if isinstance(body, str) else body.decode("utf-8-sig", "replace"), error) from None
    if isinstance(fields, str) and fields.lstrip()[:1] == "{":  # a scoring script that encodes its answer twice
        with suppress(ValueError):
            fields = read_json(fields)
    if isinstance(fields, list) and len(fields) == 1 and isinstance(fields[0], dict):
        fields = fields[0]  # Gemini wraps its errors in a list
    if not isinstance(fields, dict):
        raise BrokenBody("the body is JSON but not an object")
    return fields


def _unwrapped(fields: dict[str, object]) -> dict[str, object]:
    """The completion nested in a gateway's object, if there is one; else the fields unchanged."""
    if fields.get("choices") is not None:
        return fields
    for name in _WRAPPERS:
        inner = fields.get(name)
        if isinstance(inner, str) and inner.lstrip()[:1] == "{":
            with suppress(ValueError):
                inner = read_json(inner)
        if isinstance(inner, dict) and inner.get("choices"):
            return inner
    return fields


def _message(choice: dict[str, object]) -> dict[str, object] | None:
    """A choice's message. Servers with the older kind of completions have a text instead; a complete answer may come as a delta."""
    message = choice.get("message")
    if message is None and choice.get("finish_reason"):
        message = choice.get("delta")
    if message is None:
        message = choice.get("text")
    if isinstance(message, str):
        return {"content": message}
    return message if isinstance(message, dict) else None


def _not_json(text: str, error: ValueError) -> BrokenBody:
    if not text.strip():
        return BrokenBody("the body is empty")
    if is_web_page(text):
        return BrokenBody("the body is a web page, not JSON (is this the address of an API?)")
    if is_event_stream(text):
        return ErrorInside("the body is an event stream without an answer in it", text)
    what = f"the body is not JSON ({error})"
    # the text of a truncated answer must not count as the server's words
    return ErrorInside(what, text) if len(text) < LONGEST_MESSAGE and text.lstrip()[0] not in "{[" else BrokenBody(what)


def _no_choices(fields: dict[str, object]) -> BrokenBody:
    what = f"the body has no choices (its fields: {', '.join(list(fields)[:8])})"[:200]
    return ErrorInside(what, fields) if any(map(_is_of_errors, fields)) else BrokenBody(what)


def _is_of_errors(name: str) -> bool:
    plain = name.lower().replace("_", "")
    return plain in _ERROR_FIELDS or plain.startswith("err") or name == "Response"  # "Response" is Tencent Cloud's


def _reports(error: object) -> bool:
    """Whether an error has content: some servers send an empty one with every answer."""
    if isinstance(error, dict):
        return any(map(_reports, error.values()))
    return bool(error) and str(error).strip().lower() not in _NO_ERROR


def _error_inside(error: object) -> ErrorInside:
    """``/score`` returns the status and body of the model's server; others the error itself."""
    if isinstance(error, dict) and isinstance(error.get("body"), str) and "status_code" in error:
        error = {"status_code": error["status_code"], "message": error["body"]}
    return ErrorInside("an error inside", {"error": error})


def _finish_reason(choice: dict[str, object], fields: dict[str, object]) -> str | None:
    """The finish_reason. The model's own one has priority if it says that the answer is not complete (OpenRouter has both)."""
    said = _reason(choice.get("finish_reason")) or _reason(choice.get("finishReason")) or _reason(choice.get("finish_details"))
    for other in (choice.get("native_finish_reason"), choice.get("stop_reason"), fields.get("stop_reason")):
        if other is None:
            continue
        own = _reason(other)  # vLLM's stop_reason is the matched stop text, or a token's number
        if ending_of(said) is Ending.COMPLETE and ending_of(own) not in (None, Ending.COMPLETE):
            return own
    return said


def _reason(value: object) -> str | None:
    """A finish_reason as text; some servers send an object (``{"type": "stop"}``)."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        words = [value[key] for key in ("type", "reason", "name", "value") if isinstance(value.get(key), str)]
        value = words[0] if words else str(value) if value else None
    return value if value is None or isinstance(value, str) else str(value)[:100]
