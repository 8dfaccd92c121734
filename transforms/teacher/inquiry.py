"""Sends our test question to one endpoint, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from transforms.elements.failures import FailureKind, RequestFailure
from transforms.teacher.client import AttemptResult
from transforms.teacher.health import Doubt
from transforms.teacher.streaming import Streaming
from transforms.teacher.surroundings import Client, Engine
from transforms.teacher.traffic import Traffic
from transforms.teacher.trouble import Resolved, Trouble


class Inquiry:
    """Calls ``resolved`` with a question's result, and ``ended`` after every question."""

    def __init__(
        self,
        client: Client,
        engine: Engine,
        traffic: Traffic,
        trouble: Trouble,
        streaming: Streaming,
        resolved: Callable[[Resolved], None],
        ended: Callable[[], None],
    ) -> None:
        self._client = client
        self._engine = engine
        self._traffic = traffic
        self._trouble = trouble
        self._streaming = streaming
        self._resolved = resolved
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_asking(self) -> bool:
        """Whether a question is on the wire."""
        return self._task is not None

    def ask(self, doubt: Doubt) -> None:
        """Send the question for this doubt."""
        self._task = self._loop.create_task(self._ask(doubt))
        self._task.add_done_callback(self._asked)

    def cancel(self) -> list[asyncio.Task[None]]:
        """Cancel the question. Returns its task, if there is one."""
        if self._task is None:
            return []
        self._task.cancel()
        return [self._task]

    async def _ask(self, doubt: Doubt) -> None:
        self._traffic.in_flight += 1
        self._engine.counts.in_flight += 1
        try:
            resolved = await self._trouble.resolve(doubt, self._send, self._engine.now_s)
        finally:
            self._traffic.in_flight -= 1
            self._engine.counts.in_flight -= 1
        self._resolved(resolved)

    async def _send(self, body: bytes) -> AttemptResult:
        budget = self._engine.budget
        reservation = budget.reserve(len(body))
        if reservation is None:
            self._engine.stop(budget.early_stop())  # cancels this
            await asyncio.sleep(0)
            return AttemptResult(0.0, failure=RequestFailure(FailureKind.CANNOT_CONNECT, "nothing more is sent"))
        result: AttemptResult | None = None
        try:
            result = await self._client.send(body, 0, 1, self._streaming.ask_of_questions)
            return result
        finally:
            budget.asked_ourselves(reservation, len(body), result)

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._task = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._engine.defect(error)
        self._ended()
