"""What comes back from the teacher, and what the ledger keeps of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from transforms.elements.failures import EarlyStop, RequestFailure
from transforms.elements.rows import PromptRequest
from transforms.elements.usage import Usage


class TeacherReply(NamedTuple):
    """One answered request, read from the response body.

    ``content`` is the visible text (None when the teacher sent none), ``reasoning`` the separate reasoning field if the
    endpoint has one. Token counts are None when the endpoint reports no usage. ``refusal`` is the model's text in a refusal field;
    ``wants_tools`` says that the model asked for a tool. ``token_limit`` is the request's limit, if it was not the run's.
    ``cached_tokens`` are part of the prompt's tokens, ``reasoning_tokens`` of the completion's. ``first_token_ms``: from sending to the
    first token, if the answer was streamed in this run. ``sample`` is the number of the row's sample that it belongs to, from 0.
    ``model`` and ``response_id`` are what the body says. ``body`` is the whole response, only where it is asked for.
    """

    turn: int
    content: str | None
    reasoning: str | None
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    attempts: int
    latency_ms: float
    refusal: str | None = None
    wants_tools: bool = False
    token_limit: int | None = None
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    first_token_ms: float | None = None
    sample: int = 0
    model: str | None = None
    response_id: str | None = None
    body: str | None = None

    @property
    def usage(self) -> Usage:
        """The tokens of this answer, 0 if not reported."""
        return Usage(self.prompt_tokens or 0, self.completion_tokens or 0, self.cached_tokens, self.reasoning_tokens)


class Judging(NamedTuple):
    """What the judge did for a row in this run. ``requests`` counts those sent, of which ``retries`` were not the first of their question and
    ``throttled`` got status 429; of the verdicts, ``paid`` were paid for and ``shared`` taken from an identical question; ``usage`` are the
    tokens of the paid ones."""

    requests: int = 0
    paid: int = 0
    shared: int = 0
    usage: Usage = Usage()
    retries: int = 0
    throttled: int = 0

    def plus(self, other: Judging) -> Judging:
        """The sum of both."""
        return Judging(
            self.requests + other.requests,
            self.paid + other.paid,
            self.shared + other.shared,
            self.usage.plus(other.usage),
            self.retries + other.retries,
            self.throttled + other.throttled,
        )


NOT_JUDGED = Judging()


class ScoredRow(NamedTuple):
    """The teacher's replies to one row, each sample's in turn order, and how it ended. Those that the ledger had come first.

    A reply after those to all turns of its sample is the judge's verdict on it: its ``turn`` is the number of turns. ``judging`` counts
    these; everything else here counts the teacher's.

    Exactly one per request. ``failure`` is set when the next turn got no answer; ``stopped`` when the run stopped before
    the row was finished. With neither, every possible turn has its reply.
    ``attempts`` counts the requests sent in this run, ``retries`` those that were not the first for their turn.
    ``paid_now`` counts the replies that were paid for in this run, ``answers_shared`` those taken from an identical request of this
    run; the others come from the ledger.
    """

    request: PromptRequest
    replies: tuple[TeacherReply, ...]
    failure: RequestFailure | None = None
    stopped: EarlyStop | None = None
    attempts: int = 0
    retries: int = 0
    paid_now: int = 0
    answers_shared: int = 0
    failures_by_kind: tuple[tuple[str, int], ...] = ()
    judging: Judging = NOT_JUDGED

    @property
    def replies_before(self) -> tuple[TeacherReply, ...]:
        """The replies that the ledger had before this run asked, verdicts included."""
        return self.replies[: len(self.replies) - self._fresh]

    @property
    def fresh_replies(self) -> tuple[TeacherReply, ...]:
        """The replies of this run, verdicts and shared ones included."""
        return self.replies[len(self.replies) - self._fresh :]

    @property
    def _fresh(self) -> int:
        return self.paid_now + self.answers_shared + self.judging.paid + self.judging.shared

    @property
    def answers_reused(self) -> int:
        """How many of the teacher's replies the ledger had before this run asked."""
        return sum(not self.is_verdict(reply) for reply in self.replies_before)

    @property
    def verdicts_reused(self) -> int:
        """How many of the judge's verdicts the ledger had before this run asked."""
        return sum(map(self.is_verdict, self.replies_before))

    @property
    def paid_replies(self) -> tuple[TeacherReply, ...]:
        """The teacher's replies that this run paid for; a shared one is not among them."""
        if not self.answers_shared and self.judging == NOT_JUDGED:
            return self.fresh_replies
        return tuple(reply for reply in self.fresh_replies if reply.attempts and not self.is_verdict(reply))

    def is_verdict(self, reply: TeacherReply) -> bool:
        """Whether a reply is the judge's."""
        return reply.turn >= len(self.request.turns)


class LedgerRecord(NamedTuple):
    """One answered request on the ledger. A tuple, because one with many fields is made for every answer.

    ``request_hash`` covers everything that changes the answer (``teacher.payload``); ``payload`` is the request body as JSON
    text; ``response`` the whole response body as text. ``endpoint`` is the name of the endpoint that answered.
    """

    run_id: str
    split: str
    row_key: str
    file: str
    line: int
    turn: int
    request_hash: str
    model: str | None
    payload: str
    reference_answer: str | None
    status: int
    response: str
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    attempts: int
    latency_ms: float
    sent_at_ms: int
    answered_at_ms: int
    response_id: str | None = None
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    endpoint: str | None = None
    sample: int = 0


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """One request that ended without an answer in this run; the next run sends it again.

    ``given_up`` is False for an unusable response with status 200 whose request is sent again: it was paid for, so ``body`` keeps it.
    It is also False, without a body, for the latest attempt of a row that an early stop left unfinished.
    """

    run_id: str
    split: str
    row_key: str
    file: str
    line: int
    turn: int
    kind: str
    detail: str
    status: int | None
    excerpt: str
    attempts: int
    response_id: str | None = None
    body: bytes | None = None
    given_up: bool = True
