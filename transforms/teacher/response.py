"""Reading a chat completion out of a response body."""

from __future__ import annotations

import orjson

from transforms.elements.replies import TeacherReply


class BrokenBody(ValueError):
    """The body is not a chat completion; the text says what it is instead."""


class ErrorInside(BrokenBody):
    """A body of status 200 that tells an error. ``status`` and ``error_body`` are what the model's server said, by an endpoint's ``/score``."""

    def __init__(self, status: int | None, error_body: bytes) -> None:
        super().__init__("status 200 with an error inside")
        self.status = status
        self.error_body = error_body


def read_reply(body: bytes | str, turn: int, attempts: int, latency_ms: float) -> TeacherReply:
    """A chat completion body, or the answer of an online endpoint's ``/score``, as a reply.

    Raises BrokenBody when it is not JSON, carries an error, or has no choice: faults of transport or server, worth another try.
    A choice without content is a reply (its content is None): it was answered and paid for.
    """
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BrokenBody(f"the body is not JSON ({error})") from None
    if not isinstance(fields, dict):
        raise BrokenBody("the body is JSON but not an object")
    if fields.get("error"):
        raise _error_inside(fields["error"])
    choices = fields.get("choices")
    if choices is None and "output" in fields:
        choices = [_scored_choice(fields)]
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise BrokenBody("the answer has no choices")
    choice = choices[0]
    message = choice.get("message")
    if not isinstance(message, dict):
        raise BrokenBody("the choice has no message")
    usage = fields.get("usage")
    if not isinstance(usage, dict):
        usage = {}
    return TeacherReply(
        turn=turn,
        content=_text(message.get("content")),
        reasoning=_text(message.get("reasoning_content")) or _text(message.get("reasoning")),
        finish_reason=_text(choice.get("finish_reason")),
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        attempts=attempts,
        latency_ms=latency_ms,
    )


def _scored_choice(fields: dict[str, object]) -> dict[str, object]:
    """``/score`` answers ``{"output": text}``; newer images add message, finish_reason and usage."""
    message = fields.get("message")
    told = message if isinstance(message, dict) else {}
    output = fields["output"]
    if isinstance(output, list) and len(output) == 1:
        output = output[0]
    return {"message": {**told, "content": output}, "finish_reason": fields.get("finish_reason")}


def _error_inside(error: object) -> ErrorInside:
    status: object = None
    told: object = error
    if isinstance(error, dict):
        status = error.get("status_code")
        told = error.get("body", error)
    body = told.encode() if isinstance(told, str) else orjson.dumps(told)
    return ErrorInside(status if isinstance(status, int) and 400 <= status < 600 else None, body)


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, list):  # content parts, as some gateways send them
        parts = [part.get("text") for part in value if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
