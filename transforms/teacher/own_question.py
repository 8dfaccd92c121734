"""Our test question to the endpoint when rows fail: it shows whether the endpoint or the row is at fault.

It has a few words and belongs to no row, so it is not on the ledger. If a working endpoint refuses it (a server of fixtures has only our
rows), a row's request that was answered before is sent again instead: a working endpoint must answer that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from transforms.elements.failures import REFUSAL, REPHRASED, ROW_REFUSAL, FailureKind, RequestFailure
from transforms.elements.rows import ChatMessage
from transforms.teacher.adaptation import Adaptation
from transforms.teacher.client import AttemptResult
from transforms.teacher.health import Doubt
from transforms.teacher.payload import PayloadTemplate
from transforms.teacher.specs import EndpointSpec, PatienceSpec, SamplingSpec

log = logging.getLogger("beam_distill.teacher")

FEW_TOKENS = 16  # some endpoints refuse a lower limit
MOST_CHANGES = 8
LEAST_TIME_S = 10.0
SHARE_OF_PATIENCE = 0.25
JUDGED = REFUSAL | ROW_REFUSAL | {FailureKind.CONTENT_FILTERED, FailureKind.SERVER_ERROR}
"""Failures of a question for which a working endpoint has no answer; an outage fails in other ways."""
MESSAGES = (ChatMessage("user", "Reply with the single word: yes"),)

Send = Callable[[bytes], Awaitable[AttemptResult]]


class OwnQuestion:
    """The question in its two forms, and an answered request."""

    def __init__(self, endpoint: EndpointSpec, sampling: SamplingSpec, patience: PatienceSpec, adaptation: Adaptation) -> None:
        few = replace(sampling, max_new_tokens=min(FEW_TOKENS, sampling.max_new_tokens))
        self._bodies = {
            Doubt.IS_IT_THERE: PayloadTemplate(endpoint, few).body(MESSAGES),
            Doubt.DOES_IT_TAKE_OUR_SETTINGS: PayloadTemplate(endpoint, sampling).body(MESSAGES),
        }
        self._adaptation = adaptation
        self._answered_before: bytes | None = None
        self._was_answered = False
        # must detect an endpoint that hangs well before the patience ends
        self.time_s = min(patience.attempt_s, max(LEAST_TIME_S, SHARE_OF_PATIENCE * patience.outage_s))

    def row_answered(self, body: bytes) -> None:
        """This row's request was answered."""
        if self._answered_before is None:
            self._answered_before = body

    async def ask(self, doubt: Doubt, send: Send) -> RequestFailure | None:
        """Ask; None when it was answered."""
        failure = await self._ask(self._bodies[doubt], send)
        self._was_answered = self._was_answered or failure is None
        if failure is None or self._was_answered or self._answered_before is None or failure.kind not in JUDGED:
            return failure
        return failure if await self._ask(self._answered_before, send) is not None else None

    async def _ask(self, body: bytes, send: Send) -> RequestFailure | None:
        for _ in range(MOST_CHANGES):
            version = self._adaptation.version
            try:
                result = await asyncio.wait_for(send(self._adaptation.applied(body)), self.time_s)
            except asyncio.TimeoutError:
                return RequestFailure(FailureKind.TIMED_OUT, f"no whole answer within {self.time_s:.1f} s")
            failure = result.failure
            if failure is None or failure.kind not in REPHRASED:
                break
            if not self._adaptation.learn(failure, version):
                return replace(failure, kind=FailureKind.BAD_REQUEST)
        log.debug("test question: %s", "answered" if failure is None else f"{failure.kind.value} ({failure.detail})")
        return failure
