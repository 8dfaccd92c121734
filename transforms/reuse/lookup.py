"""Find the reply on the ledger that answers a request: a reply to this request, or to the same request under another token limit.

Under a higher limit an answer that ended by itself would be the same, so it is not paid for again; nor is one that filled the model's
context. Under a lower limit every existing answer is good enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import orjson

from transforms.elements.replies import TeacherReply
from transforms.elements.rows import PromptRequest, sample_key
from transforms.prompts.token_limit import ended_at_limit, is_cut_off
from transforms.reuse.answer_index import AnswerIndex
from transforms.teacher.body_values import filled_extra_body
from transforms.teacher.header_values import HeaderValueMissing
from transforms.teacher.payload import PayloadTemplate
from transforms.teacher.specs import EndpointSpec, SamplingSpec


class LedgerLookup:
    """Finds the replies to one turn of one sample of a request, given the answers to the turns before it."""

    def __init__(self, index: AnswerIndex, endpoint: EndpointSpec, sampling: SamplingSpec) -> None:
        self._index = index
        self._endpoints = (endpoint, *_in_clear(endpoint))
        self._sampling = sampling
        self._template = PayloadTemplate(endpoint, sampling)
        self._others: list[tuple[int, PayloadTemplate]] = []
        self.take_in()

    def take_in(self) -> None:
        """Read what was recorded since. Call it after a refresh of the index."""
        own = self._sampling.max_new_tokens
        self._others = [
            (limit, PayloadTemplate(endpoint, replace(self._sampling, max_new_tokens=limit)))
            for limit in sorted({*self._index.token_limits(), own}, reverse=True)
            for endpoint in (self._endpoints if limit != own else self._endpoints[1:])
        ]

    def __call__(self, request: PromptRequest, turn: int, answers: tuple[str, ...], sample: int = 0) -> Iterator[TeacherReply]:
        """The replies that answer this turn, the current one first."""
        found = self._find(sample_key(request.row.row_key, sample), request, turn, answers)
        return (reply._replace(sample=sample) for reply in found) if sample else found

    def _find(self, key: str, request: PromptRequest, turn: int, answers: tuple[str, ...]) -> Iterator[TeacherReply]:
        replies = self._index.find_all(key, turn, self._hash(request, answers))
        first = next(replies, None)
        if first is None or (self._others and is_cut_off(first)):
            for reply in self._under_other_limits(key, request, turn, answers):
                if not _gains(reply, self._sampling.max_new_tokens) and (first is None or not is_cut_off(reply)):
                    yield reply
        if first is not None:
            yield first
            yield from replies

    def cut_off_before(self, request: PromptRequest, turn: int, answers: tuple[str, ...]) -> TeacherReply | None:
        """The reply to this turn that a lower limit cut off, so that the turn is sent again; None if there is none."""
        return next(self._under_other_limits(request.row.row_key, request, turn, answers), None)

    def asked_by(self, request: PromptRequest, answers: tuple[str, ...], sample: int = 0) -> str | None:
        """The id of the run that got the latest answer to this request, which follows ``answers``; None if it has no answer."""
        return self._index.asked_by(sample_key(request.row.row_key, sample), len(answers), self._hash(request, answers))

    def _hash(self, request: PromptRequest, answers: tuple[str, ...]) -> str:
        return self._template.request_hash(self._template.body(request.messages_for_turn(len(answers), answers)))

    def _under_other_limits(self, key: str, request: PromptRequest, turn: int, answers: tuple[str, ...]) -> Iterator[TeacherReply]:
        """Replies to the same request under other limits, or recorded before secrets in a body were stored by name; highest limit first."""
        for limit, template in self._others:
            body = template.body(request.messages_for_turn(turn, answers))
            for reply in self._index.find_all(key, turn, template.request_hash(body)):
                yield reply._replace(token_limit=limit) if limit != self._sampling.max_new_tokens else reply


def _in_clear(endpoint: EndpointSpec) -> tuple[EndpointSpec, ...]:
    """The endpoint with its body's secrets in plain text, if it has any: earlier versions recorded requests like this."""
    try:
        filled = filled_extra_body(endpoint.extra_body_json)
    except HeaderValueMissing:
        return ()
    fields = {**orjson.loads(endpoint.extra_body_json), **filled}
    return (replace(endpoint, extra_body_json=orjson.dumps(fields).decode()),) if filled else ()


def _gains(reply: TeacherReply, limit: int) -> bool:
    """Whether the same request under ``limit`` may get a longer reply."""
    return reply.token_limit is not None and reply.token_limit < limit and ended_at_limit(reply, reply.token_limit)
