"""How often a stream is read, and what the HTTP library does for each of its chunks."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
from aiohttp.base_protocol import BaseProtocol
from virtual_time import run_in_virtual_time

from transforms.teacher.stream_assembly import StreamAssembly
from transforms.teacher.stream_receiving import Gathering, ShortestAnswer, Silence, SilentStream, TokenTimes, drain_at_once, receive_stream
from transforms.teacher.stream_spec import StreamAsk


class CountingProtocol(BaseProtocol):
    """Counts what the reader asks of its connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.paused = self.resumed = 0

    def pause_reading(self) -> None:
        self.paused += 1

    def resume_reading(self, resume_parser: bool = True) -> None:
        self.resumed += 1


def test_the_parser_is_resumed_once_a_reading_and_not_once_a_chunk() -> None:
    async def read() -> tuple[bytes, int]:
        protocol = CountingProtocol(asyncio.get_running_loop())
        content = aiohttp.StreamReader(protocol, 65_536, loop=asyncio.get_running_loop())
        drain_at_once(content)
        for _ in range(500):
            content.begin_http_chunk_receiving()
            content.feed_data(b"data: {}\n\n")
            content.end_http_chunk_receiving()
        return await content.readany(), protocol.resumed

    received, resumed = asyncio.run(read())
    assert received == b"data: {}\n\n" * 500
    assert resumed == 1, "the HTTP library has changed: see drain_at_once"


def test_a_response_that_has_ended_is_not_paused() -> None:
    """Its connection may belong to the next request when the pause ends."""

    async def begin(has_ended: bool) -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        protocol = CountingProtocol(loop)
        content = aiohttp.StreamReader(protocol, 65_536, loop=loop)
        if has_ended:
            content.feed_eof()
        response = SimpleNamespace(content=content, connection=SimpleNamespace(protocol=protocol))
        gathering = Gathering(cast(Any, response))
        before = protocol.resumed
        gathering.begin(0.03)
        await asyncio.sleep(0.1)
        gathering.cancel()
        return protocol.paused, protocol.resumed - before

    assert asyncio.run(begin(has_ended=False)) == (1, 1)
    assert asyncio.run(begin(has_ended=True)) == (0, 0)


def test_a_pause_that_is_cut_short_is_ended() -> None:
    async def begin() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        protocol = CountingProtocol(loop)
        content = aiohttp.StreamReader(protocol, 65_536, loop=loop)
        gathering = Gathering(cast(Any, SimpleNamespace(content=content, connection=SimpleNamespace(protocol=protocol))))
        before = protocol.resumed
        gathering.begin(1.0)
        gathering.begin(0.01)  # too short to be worth a pause
        return protocol.paused, protocol.resumed - before

    assert asyncio.run(begin()) == (1, 1)


def test_tokens_gather_until_the_shortest_of_the_latest_answers_would_end() -> None:
    shortest = ShortestAnswer()
    assert shortest.pause_s(2.0) == pytest.approx(0.06), "nothing is known: a share of the time so far"
    shortest.ended(4.0)
    assert shortest.pause_s(0.5) == 1.0, "the longest pause"
    assert shortest.pause_s(3.2) == pytest.approx(0.4)
    assert shortest.pause_s(3.6) == pytest.approx(0.108)


def test_a_single_short_answer_is_forgotten_and_no_answer_is_thought_longer_than_it_was() -> None:
    shortest = ShortestAnswer()
    for after_s in (4.0, 0.5, *[4.0] * 200):
        shortest.ended(after_s)
    assert shortest.pause_s(3.0) == pytest.approx(0.6)
    assert shortest.pause_s(3.7) == pytest.approx(0.111)


class BufferingProtocol(BaseProtocol):
    """A connection whose bytes wait while it is paused, as in the socket."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.transport = cast(asyncio.Transport, object())
        self.content = aiohttp.StreamReader(self, 65_536, loop=loop)
        self._is_paused = False
        self._waiting = b""

    def pause_reading(self) -> None:
        self._is_paused = True

    def resume_reading(self, resume_parser: bool = True) -> None:
        self._is_paused = False
        self.arrive(b"")

    def arrive(self, data: bytes) -> None:
        self._waiting += data
        if self._waiting and not self._is_paused:
            arrived, self._waiting = self._waiting, b""
            self.content.feed_data(arrived)


def test_a_pause_ends_before_the_allowed_time_between_two_tokens() -> None:
    async def read() -> int:
        loop = asyncio.get_running_loop()
        protocol = BufferingProtocol(loop)
        event = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
        for number in range(30):
            loop.call_later(0.1 * number, protocol.arrive, event)
        loop.call_later(3.0, protocol.arrive, b"data: [DONE]\n\n")
        loop.call_later(3.5, protocol.content.feed_eof)
        response = SimpleNamespace(content=protocol.content, connection=SimpleNamespace(protocol=protocol))
        shortest, assembly = ShortestAnswer(), StreamAssembly(10_000)
        shortest.ended(4.0)  # the pause would be a second long
        await receive_stream(cast(Any, response), assembly, StreamAsk(False, 10.0, 0.5), TokenTimes(time.perf_counter()), shortest)
        return assembly.texts

    assert run_in_virtual_time(read(), 10.0) == 30


def test_what_has_arrived_when_the_limit_is_over_is_read() -> None:
    """The loop was busy: it finds the token and the end of the limit at once."""

    async def read() -> bytes:
        loop = asyncio.get_running_loop()
        content = BufferingProtocol(loop).content
        silence = Silence(content, 1.0, "silent")
        loop.call_later(1.0, content.feed_data, b"token")
        received = await content.readany()
        silence.heard()
        with pytest.raises(SilentStream):
            await content.readany()
        assert 2.0 < loop.time() < 2.2
        return received

    assert run_in_virtual_time(read(), 10.0) == b"token"
