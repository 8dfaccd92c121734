"""The corpus, damaged: no response raises, hangs, or loses a body that was paid for."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from world.corpus import cases
from world.responding import Response, responding

from transforms.elements.failures import FailureKind
from transforms.teacher.classify import classify, classify_inside
from transforms.teacher.client import ANSWERED, AttemptResult, TeacherClient
from transforms.teacher.response import BrokenBody, ErrorInside, read_reply
from transforms.teacher.specs import EndpointSpec

pytestmark = pytest.mark.fault("D3", "D15", "T1", "X-A3", "X-A4", "X-C6")
RESPONSES = [case.response for case in cases()]
REQUEST = cases()[0].request
WORDS = [
    "error",
    "code",
    "message",
    "choices",
    "finish_reason",
    "content",
    "usage",
    "total_tokens",
    "status_code",
    "insufficient_quota",
    "limit: 0",
    "maximum context length",
    "temperature",
    "not supported",
    "Retry in 5s",
    "data: {",
    "\ud83d",
    "²",
]
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=6), inner, max_size=5),
    max_leaves=25,
)
pieces = st.binary(max_size=12) | st.sampled_from([word.encode("utf-8", "replace") for word in WORDS])
edits = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), pieces), min_size=1, max_size=6)
HEADERS = ["Retry-After", "retry-after-ms", "x-ratelimit-reset-requests", "x-request-id", "ms-azureml-model-error-statuscode"]
VALUES = ["1e400", "9" * 80, "-1", "Mon, 01 Jan 0001", "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"]


def edited(body: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    """Each change cuts some bytes at a place and puts others there."""
    for place, cut, put in changes:
        start = int(place * len(body))
        body = body[:start] + put + body[start + cut :]
    return body


class World:
    """The server, a loop and a client for as many requests as there are examples."""

    def __init__(self, server: str, served: dict[str, Response]) -> None:
        self._served = served
        self._loop = asyncio.new_event_loop()
        self._client = self._loop.run_until_complete(self._make(f"{server}/mutated/v1/chat/completions"))

    async def _make(self, url: str) -> TeacherClient:
        return TeacherClient(EndpointSpec(chat_url=url), 1)

    def ask(self, response: Response) -> AttemptResult:
        self._served["mutated"] = response
        return self._loop.run_until_complete(asyncio.wait_for(self._client.send(REQUEST, 0, 1), 10))

    def close(self) -> None:
        self._loop.run_until_complete(self._client.close())
        self._loop.close()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    served: dict[str, Response] = {}
    with responding(served) as server:
        one = World(server, served)
        yield one
        one.close()


steady = settings(derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))


@settings(steady, max_examples=150)
@given(
    base=st.sampled_from(RESPONSES),
    changes=edits,
    status=st.none() | st.sampled_from([200, 201, 400, 402, 403, 424, 429, 451, 500, 503, 599, 799]),
    header=st.sampled_from(HEADERS),
    value=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40) | st.sampled_from(VALUES),
)
def test_a_damaged_response_costs_one_attempt(
    world: World, base: Response, changes: list[tuple[float, int, bytes]], status: int | None, header: str, value: str
) -> None:
    sent = Response(status or base.status, edited(base.body, changes), {**base.headers, header: value.strip()})
    result = world.ask(sent)
    assert (result.reply is None) is not (result.failure is None)
    if sent.status in ANSWERED:
        assert result.was_stream or result.body == sent.body
    if result.reply is not None:
        assert sent.status in ANSWERED
        assert read_reply(result.body.decode("utf-8", "replace"), 0, 1, 1.0).content == result.reply.content  # as the ledger gives it back
    else:
        assert result.failure is not None
        assert isinstance(result.failure.kind, FailureKind)
        assert result.failure.detail


@settings(steady, max_examples=120)
@given(value=any_json, status=st.integers(200, 799))
def test_no_json_raises(value: Any, status: int) -> None:
    started = time.thread_time()
    classify(status, {}, value, REQUEST)
    try:
        reply = read_reply(repr(value).replace("'", '"').encode("utf-8", "replace"), 0, 1, 1.0)
        assert reply.completion_tokens is None or reply.completion_tokens >= 0
    except ErrorInside as error:
        classify_inside(error.reported, REQUEST, error.otherwise)
    except BrokenBody:
        pass
    assert time.thread_time() - started < 2.0


@settings(steady, max_examples=60)
@given(base=st.sampled_from(RESPONSES), changes=edits)
def test_damaged_bytes_are_a_failure_or_an_answer(base: Response, changes: list[tuple[float, int, bytes]]) -> None:
    headers = {"Content-Type": "application/json", **base.headers, "Content-Length": str(len(base.body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    wire = edited(f"HTTP/1.1 {base.status} Words\r\n{lines}\r\n".encode() + base.body, changes)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(wire)

        thread = threading.Thread(target=serve)
        thread.start()

        async def ask() -> AttemptResult:
            client = TeacherClient(EndpointSpec(chat_url=f"http://127.0.0.1:{listener.getsockname()[1]}/v1/chat/completions"), 1)
            try:
                return await asyncio.wait_for(client.send(REQUEST, 0, 1), 10)
            finally:
                await client.close()

        result = asyncio.run(ask())
        thread.join(10)
    assert (result.reply is None) is not (result.failure is None)


@pytest.mark.parametrize("words", ["prompt tokens ", "exceed ", "limit 1 ", "1", "role system ", "try again in 1s ", "a " * 7])
def test_a_long_error_is_read_quickly(words: str) -> None:
    started = time.thread_time()
    for status in (400, 403, 429, 500):
        classify(status, {}, {"error": {"message": words * (60_000 // len(words))}}, REQUEST)
    assert time.thread_time() - started < 2.0
