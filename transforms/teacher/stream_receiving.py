"""Reads a streamed response for as long as tokens come."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import aiohttp

from transforms.teacher.awake_clock import STOPPED_AFTER_S
from transforms.teacher.stream_assembly import StreamAssembly
from transforms.teacher.stream_spec import StreamAsk

END_WAIT_S = 1.0
"""How long to wait for the end of the response after the end of the stream, so that its connection can be reused."""
SHARE_PAUSED = 0.03
LEAST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 1.0


class SilentStream(asyncio.TimeoutError):
    """No token came for too long."""


class Silence:
    """Ends the reading of ``content`` after ``allowed_s`` of silence."""

    def __init__(self, content: aiohttp.StreamReader, allowed_s: float, why: str) -> None:
        self._content = content
        self._loop = asyncio.get_running_loop()
        self._allowed_s = allowed_s
        self._why = why
        self._due_s = self._loop.time() + allowed_s
        self._timer = self._loop.call_at(self._due_s, self._look)

    def begin(self, allowed_s: float, why: str) -> None:
        """Set a new limit from now on."""
        self._timer.cancel()
        self._allowed_s, self._why = allowed_s, why
        self._due_s = self._loop.time() + allowed_s
        self._timer = self._loop.call_at(self._due_s, self._look)

    def heard(self) -> None:
        """Restart the time."""
        self._due_s = self._loop.time() + self._allowed_s

    def cancel(self) -> None:
        """Remove the limit."""
        self._timer.cancel()

    def _look(self) -> None:
        # one timer per limit, not one per token
        late_s = self._loop.time() - self._due_s
        if late_s > STOPPED_AFTER_S:  # the process was stopped: what came meanwhile is read first
            self._due_s = self._loop.time() + STOPPED_AFTER_S
        if self._loop.time() >= self._due_s:
            self._content.set_exception(SilentStream(self._why))
        else:
            self._timer = self._loop.call_at(self._due_s, self._look)


@dataclass(slots=True)
class TokenTimes:
    """When a request was sent and when its first token came (None: none yet), by ``perf_counter``."""

    sent_s: float
    first_s: float | None = None


async def receive_stream(response: aiohttp.ClientResponse, assembly: StreamAssembly, ask: StreamAsk, times: TokenTimes) -> None:
    """Feed everything that arrives into ``assembly``, for as long as tokens come.

    Raises SilentStream, AnswerTooLong and the HTTP library's exceptions; ``assembly`` has the part received before.
    """
    content = response.content
    if response.connection is not None and response.connection.protocol is not None:
        response.connection.protocol.read_timeout = None  # it was for the headers; keep-alive comments are not tokens
    waited_s = time.perf_counter() - times.sent_s
    silence = Silence(content, ask.first_token_s - waited_s, f"no token within {ask.first_token_s:g} s (first_token_timeout)")
    heard = 0
    is_over = False
    try:
        async for piece in content.iter_any():
            assembly.feed(piece)
            now_s = time.perf_counter()
            if assembly.texts > heard:
                heard = assembly.texts
                if times.first_s is None:
                    times.first_s = now_s
                    silence.begin(ask.token_gap_s, f"no further token for {ask.token_gap_s:g} s (token_gap_timeout)")
                else:
                    silence.heard()
            if is_over:
                continue
            if assembly.done or assembly.has_failed:
                is_over = True
                silence.begin(END_WAIT_S, "the stream is over, the response is not")
            elif times.first_s is not None:
                await _let_tokens_gather(response, SHARE_PAUSED * (now_s - times.sent_s))
    except SilentStream:
        if not is_over:
            raise
        response.close()
    finally:
        silence.cancel()


async def _let_tokens_gather(response: aiohttp.ClientResponse, pause_s: float) -> None:
    """Let the system collect tokens for a while: reading every token at once costs several times as much.

    The end of an answer is seen late by half of the pause on average: 1.5 % of the answer's time.
    """
    connection = response.connection
    if pause_s < LEAST_PAUSE_S or connection is None or connection.protocol is None:
        return
    protocol = connection.protocol
    protocol.pause_reading()
    try:
        await asyncio.sleep(min(pause_s, LONGEST_PAUSE_S))
    finally:
        protocol.resume_reading()
