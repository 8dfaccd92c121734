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
READING_S = 0.05
"""How long what has arrived when a limit is over may take to be read."""
SHARE_PAUSED = 0.03
LEAST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 1.0
SHARE_OF_GAP = 0.25  # of the allowed time between two tokens: a pause must not look like silence
SHARE_BEFORE_ENDS = 0.9  # of the shortest answer's time: a bit early, so that no answer is thought longer than it was
FORGET_A_SHORT_ONE = 1.02  # by each answer: fifty later, a single short one hardly counts


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
        self._is_last_look = False
        self._timer = self._loop.call_at(self._due_s, self._look)

    def begin(self, allowed_s: float, why: str) -> None:
        """Set a new limit from now on."""
        self._timer.cancel()
        self._allowed_s, self._why = allowed_s, why
        self._is_last_look = False
        self._due_s = self._loop.time() + allowed_s
        self._timer = self._loop.call_at(self._due_s, self._look)

    def heard(self) -> None:
        """Restart the time."""
        self._is_last_look = False
        self._due_s = self._loop.time() + self._allowed_s

    def cancel(self) -> None:
        """Remove the limit."""
        self._timer.cancel()

    def _look(self) -> None:
        # one timer per limit, not one per token
        late_s = self._loop.time() - self._due_s
        if late_s > STOPPED_AFTER_S:  # the process was stopped: what came meanwhile is read first
            self._due_s = self._loop.time() + STOPPED_AFTER_S
        elif late_s >= 0.0:
            if self._is_last_look:
                self._content.set_exception(SilentStream(self._why))
                return
            self._is_last_look = True  # a busy loop may call this between a token's arrival and its reading
            self._due_s = self._loop.time() + READING_S
        self._timer = self._loop.call_at(self._due_s, self._look)


@dataclass(slots=True)
class TokenTimes:
    """When a request was sent and when its first token came (None: none yet), by ``perf_counter``."""

    sent_s: float
    first_s: float | None = None


class ShortestAnswer:
    """How long the shortest of the latest streamed answers took: before that, an answer is not expected to end."""

    def __init__(self) -> None:
        self._shortest_s = 0.0

    def ended(self, after_s: float) -> None:
        """An answer had not ended ``after_s`` from its request, but at the next reading."""
        self._shortest_s = min(after_s, FORGET_A_SHORT_ONE * self._shortest_s) if self._shortest_s else after_s

    def pause_s(self, after_s: float) -> float:
        """How long tokens may gather, ``after_s`` from the request."""
        until_ends_s = SHARE_BEFORE_ENDS * self._shortest_s - after_s
        return min(LONGEST_PAUSE_S, max(until_ends_s, SHARE_PAUSED * after_s))


async def receive_stream(
    response: aiohttp.ClientResponse, assembly: StreamAssembly, ask: StreamAsk, times: TokenTimes, shortest: ShortestAnswer
) -> None:
    """Feed everything that arrives into ``assembly``, for as long as tokens come.

    Raises SilentStream, AnswerTooLong and the HTTP library's exceptions; ``assembly`` has the part received before.
    """
    content = response.content
    drain_at_once(content)
    if response.connection is not None and response.connection.protocol is not None:
        response.connection.protocol.read_timeout = None  # it was for the headers; keep-alive comments are not tokens
    waited_s = time.perf_counter() - times.sent_s
    silence = Silence(content, ask.first_token_s - waited_s, f"no token within {ask.first_token_s:g} s (first_token_timeout)")
    gathering = Gathering(response)
    heard = 0
    read_s = waited_s
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
                read_s = now_s - times.sent_s
                gathering.begin(min(shortest.pause_s(read_s), SHARE_OF_GAP * ask.token_gap_s))
        shortest.ended(read_s)
    except SilentStream:
        if not is_over:
            raise
        response.close()
    finally:
        silence.cancel()
        gathering.cancel()


def drain_at_once(content: aiohttp.StreamReader) -> None:
    """Let the HTTP library resume its parser when its buffer is empty, not after each chunk taken out of it: that is half of its CPU.

    There is no public setting: without this attribute, reading only costs more.
    """
    if hasattr(content, "_low_water"):
        content._low_water = 1


class Gathering:
    """Lets the system collect tokens for a while: reading every token at once costs several times as much.

    The end of an answer is seen late by half of the pause on average: 1.5 % of the answer's time.
    """

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._loop = asyncio.get_running_loop()
        self._content = response.content
        self._protocol = None if response.connection is None else response.connection.protocol
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, pause_s: float) -> None:
        """Read no more for ``pause_s``, unless the rest is there already."""
        was_begun = self._timer is not None
        self.cancel()
        if self._protocol is None:
            return
        if pause_s >= LEAST_PAUSE_S and not self._content.is_eof():
            self._protocol.pause_reading()
            self._timer = self._loop.call_later(pause_s, self._protocol.resume_reading)
        elif was_begun:  # nobody else would end that pause
            self._protocol.resume_reading()

    def cancel(self) -> None:
        """The pause is over, or the response is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
