"""Reading a chat completion out of a response body."""

from __future__ import annotations

from contextlib import suppress

from transforms.elements.failures import FailureKind
from transforms.elements.finish_reasons import Ending, ending_of
from transforms.elements.replies import TeacherReply
from transforms.teacher.error_body import is_event_stream, is_web_page
from transforms.teacher.lenient_json import read_json

MOST_TOKENS = 1_000_000_000
"""A larger count is nobody's: such an answer's tokens count as not reported, so that sums over a job stay within 64 bits."""
LONGEST_MESSAGE = 500
_THOUGHT = ("thinking", "reasoning")
"""Types of content parts that are no part of the answer."""
_ERROR_FIELDS = frozenset(
    {
        "errors",
        "detail",
        "message",
        "Message",
        "msg",
        "error_msg",
        "code",
        "error_code",
        "status",
        "base_resp",  # MiniMax
        "fault",  # Apigee
        "prompt_filter_results",  # Azure OpenAI
        "promptFeedback",  # Gemini
    }
)


class BrokenBody(ValueError):
    """The body is not a chat completion; the text says what it is instead."""


class ErrorInside(BrokenBody):
    """A body of status 200 that reports an error.

    ``reported`` is the part that reports it, ``otherwise`` what it counts as where it says nothing that is known.
    """

    def __init__(self, what: str, reported: object, otherwise: FailureKind = FailureKind.BROKEN_BODY) -> None:
        super().__init__(what)
        self.reported = reported
        self.otherwise = otherwise


class BrokenOff(BrokenBody):
    """The server gave up in the middle of the answer and says so."""


def read_reply(body: bytes | str, turn: int, attempts: int, latency_ms: float) -> TeacherReply:
    """A chat completion body, or the answer of an online endpoint's ``/score``, as a reply.

    Raises BrokenBody when it cannot be read, carries an error, has no choice or was broken off: faults of transport or server, worth
    another try. A choice without content is a reply (its content is None): it was answered and paid for.
    """
    fields = _fields(body)
    if fields.get("error"):
        raise _error_inside(fields["error"])
    choices = fields.get("choices")
    if choices is None and "output" in fields:
        choices = [_scored_choice(fields)]
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise _no_choices(fields)
    choice = choices[0]
    if choice.get("error"):
        raise ErrorInside("an error inside the choice", choice["error"], FailureKind.BROKEN_OFF)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise BrokenBody("the choice has no message")
    finish_reason = _reason(choice.get("finish_reason"))
    if ending_of(finish_reason) is Ending.BROKEN_OFF:
        raise BrokenOff(f"the answer was broken off (finish_reason {finish_reason})")
    prompt_tokens, completion_tokens = _usage(fields.get("usage"))
    return TeacherReply(
        turn=turn,
        content=_text(message.get("content")),
        reasoning=_text(message.get("reasoning_content")) or _text(message.get("reasoning")) or _thought(message.get("content")),
        finish_reason=finish_reason,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        attempts=attempts,
        latency_ms=latency_ms,
        refusal=_refusal(message),
        wants_tools=bool(message.get("tool_calls") or message.get("function_call")),
    )


def _fields(body: bytes | str) -> dict[str, object]:
    try:
        fields = read_json(body)
    except ValueError as error:
        raise _not_json(body if isinstance(body, str) else body.decode("utf-8-sig", "replace"), error) from None
    if isinstance(fields, str) and fields.lstrip()[:1] == "{":  # a scoring script that encodes its answer twice
        with suppress(ValueError):
            fields = read_json(fields)
    if isinstance(fields, list) and len(fields) == 1 and isinstance(fields[0], dict):
        fields = fields[0]  # Gemini wraps its errors so
    if not isinstance(fields, dict):
        raise BrokenBody("the body is JSON but not an object")
    return fields


def _not_json(text: str, error: ValueError) -> BrokenBody:
    if not text.strip():
        return BrokenBody("the body is empty")
    if is_web_page(text):
        return BrokenBody("the body is a web page, not JSON (is this the address of an API?)")
    if is_event_stream(text):
        return ErrorInside("the body is an event stream, which nobody asked for", text)
    what = f"the body is not JSON ({error})"
    # the text of a torn answer must not be read as words of the server
    return ErrorInside(what, text) if len(text) < LONGEST_MESSAGE and text.lstrip()[0] not in "{[" else BrokenBody(what)


def _no_choices(fields: dict[str, object]) -> BrokenBody:
    what = f"the body has no choices (its fields: {', '.join(list(fields)[:8])})"[:200]
    return ErrorInside(what, fields) if _ERROR_FIELDS & fields.keys() else BrokenBody(what)


def _scored_choice(fields: dict[str, object]) -> dict[str, object]:
    """``/score`` answers ``{"output": text}``; newer images add message, finish_reason and usage."""
    message = fields.get("message")
    sent = message if isinstance(message, dict) else {}
    output = fields["output"]
    if isinstance(output, list) and len(output) == 1:
        output = output[0]
    return {"message": {**sent, "content": output}, "finish_reason": fields.get("finish_reason")}


def _error_inside(error: object) -> ErrorInside:
    """``/score`` gives the status of the model's server and its body; others the error itself."""
    if isinstance(error, dict) and isinstance(error.get("body"), str) and "status_code" in error:
        error = {"status_code": error["status_code"], "message": error["body"]}
    return ErrorInside("an error inside", {"error": error})


def _reason(value: object) -> str | None:
    """A finish_reason as text; some servers send an object (``{"type": "stop"}``)."""
    if isinstance(value, dict):
        words = [value[key] for key in ("type", "reason", "name", "value") if isinstance(value.get(key), str)]
        value = words[0] if words else str(value) if value else None
    return value if value is None or isinstance(value, str) else str(value)[:100]


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        value = [value]
    if isinstance(value, list):  # content parts, as some gateways send them
        parts = [part.get("text") for part in value if isinstance(part, dict) and part.get("type") not in _THOUGHT]
        return "".join(part for part in parts if isinstance(part, str))
    return None


def _thought(content: object) -> str | None:
    """The thinking among content parts; Mistral puts it there, as a list of parts itself."""
    parts = [part for part in content if isinstance(part, dict) and part.get("type") in _THOUGHT] if isinstance(content, list) else []
    return "".join(_text(part.get(str(part["type"]))) or _text(part.get("text")) or "" for part in parts) or None


def _refusal(message: dict[str, object]) -> str | None:
    """The model's own words for not answering; they come in place of the content."""
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        return refusal
    content = message.get("content")
    parts = [part.get("refusal") for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    return next((part for part in parts if isinstance(part, str) and part.strip()), None)


def _usage(usage: object) -> tuple[int | None, int | None]:
    """Tokens of prompt and answer. Reasoning tokens that a server counts outside the completion are in its total."""
    if not isinstance(usage, dict):
        return None, None
    prompt = _count(usage.get("prompt_tokens"))
    completion = _count(usage.get("completion_tokens"))
    total = _count(usage.get("total_tokens"))
    if prompt is not None and total is not None:
        completion = max(completion or 0, total - prompt)
    return prompt, completion


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS else None
