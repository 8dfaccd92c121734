"""Streams as providers document or send them: what is put together of each, wherever its bytes are cut, and what is kept of damaged ones.

A file of the folder ``streams`` has ``source``, the ``text`` of the response, and what is expected: ``whole``, the response that it makes up, or
the ``kind`` of failure.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from world.corpus import read_yaml
from world.responding import Response, responding
from world.test_mutations import edited, edits

from transforms.elements.failures import FailureKind
from transforms.teacher.client import AttemptResult, TeacherClient
from transforms.teacher.response import BrokenBody, read_reply
from transforms.teacher.specs import EndpointSpec
from transforms.teacher.stream_assembly import StreamAssembly
from transforms.teacher.stream_spec import StreamAsk

STREAMS = {path.stem: read_yaml(path) for path in sorted((Path(__file__).parent / "streams").glob("*.yaml"))}
TEXTS = [stream["text"].encode() for stream in STREAMS.values()]
REQUEST = b'{"messages":[{"role":"user","content":"On Monday the river rose."}],"max_tokens":64}'
ASK = StreamAsk(with_usage=True, first_token_s=10.0, token_gap_s=10.0)
EVENT_STREAM = {"Content-Type": "text/event-stream"}
steady = settings(derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
sizes = st.lists(st.integers(1, 40), min_size=1, max_size=30)
line_ends = st.sampled_from([b"\n", b"\r\n", b"\r"])


def assembled(text: bytes, cuts: list[int]) -> StreamAssembly:
    """Fed in pieces of these sizes, over and over."""
    assembly = StreamAssembly(6 * 1024 * 1024)
    start = number = 0
    while start < len(text):
        assembly.feed(text[start : start + cuts[number % len(cuts)]])
        start += cuts[number % len(cuts)]
        number += 1
    assembly.finish()
    return assembly


@pytest.fixture(scope="module")
def results() -> Iterator[dict[tuple[str, bool], AttemptResult]]:
    """Every stream as the real client takes it: asked for, and not asked for."""
    with responding({name: Response(200, stream["text"].encode(), EVENT_STREAM) for name, stream in STREAMS.items()}) as server:

        async def ask(name: str, asked: bool) -> AttemptResult:
            client = TeacherClient(EndpointSpec(chat_url=f"{server}/{name}/v1/chat/completions"), 1)
            try:
                return await client.send(REQUEST, 0, 1, ASK if asked else None)
            finally:
                await client.close()

        async def ask_all() -> dict[tuple[str, bool], AttemptResult]:
            return {(name, asked): await asyncio.wait_for(ask(name, asked), 10) for name in STREAMS for asked in (True, False)}

        yield asyncio.run(ask_all())


@pytest.mark.parametrize("asked", [True, False], ids=["asked", "unasked"])
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_one_whole_response(name: str, asked: bool, results: dict[tuple[str, bool], AttemptResult]) -> None:
    stream, result = STREAMS[name], results[name, asked]
    if "kind" in stream:
        assert result.failure is not None
        assert result.reply is None
        assert result.failure.kind.value == stream["kind"], result.failure
        assert result.body, "what came of it was paid for"
        return
    assert result.failure is None
    assert result.was_stream
    assert json.loads(result.body) == stream["whole"]
    assert list(json.loads(result.body)) == list(stream["whole"])
    expected = read_reply(json.dumps(stream["whole"]), 0, 1, result.latency_ms)
    assert result.reply is not None
    assert result.reply._replace(first_token_ms=None) == expected
    assert (result.reply.first_token_ms is not None) is asked


def test_a_text_before_an_error_is_kept(results: dict[tuple[str, bool], AttemptResult]) -> None:
    failing = ("vllm_error", "litellm_error", "openrouter_error", "llamacpp_error", "event_error_text", "bare_error_line", "broken")
    for name in (*failing, "torn_in_a_chunk"):
        assert json.loads(results[name, True].body)["choices"][0]["message"]["content"].startswith(("fo", "The")), name


def test_the_corpus_has_the_servers_that_people_have() -> None:
    assert len(STREAMS) >= 40
    assert all(stream["source"] for stream in STREAMS.values())


@settings(steady, max_examples=400)
@given(text=st.sampled_from(TEXTS), cuts=sizes, line_end=line_ends, marked=st.booleans())
def test_any_cut_gives_the_same_result(text: bytes, cuts: list[int], line_end: bytes, marked: bool) -> None:
    sent = (b"\xef\xbb\xbf" if marked else b"") + text.replace(b"\n", line_end)
    whole, pieces = assembled(text, [len(text)]), assembled(sent, cuts)
    if pieces.is_stream and b'"choices"' in text:
        assert pieces.body() == whole.body()
    else:
        assert pieces.body() == sent
    assert (pieces.is_broken_off, pieces.has_failed, pieces.done, pieces.texts) == (
        whole.is_broken_off,
        whole.has_failed,
        whole.done,
        whole.texts,
    )


@pytest.mark.slow
@settings(steady, max_examples=800)
@given(text=st.sampled_from(TEXTS), changes=edits, cuts=sizes)
def test_a_damaged_stream_is_the_same_wherever_it_is_cut_and_raises_nothing(
    text: bytes, changes: list[tuple[float, int, bytes]], cuts: list[int]
) -> None:
    sent = edited(text, changes)
    whole, pieces = assembled(sent, [len(sent) or 1]), assembled(sent, cuts)
    assert pieces.body() == whole.body()
    assert pieces.is_broken_off == whole.is_broken_off
    assert pieces.body() or not sent
    if not pieces.is_broken_off:
        with contextlib.suppress(BrokenBody):
            read_reply(pieces.body(), 0, 1, 1.0)


@settings(steady, max_examples=400)
@given(text=st.sampled_from(TEXTS), changes=edits, times=st.integers(1, 3))
def test_chunks_that_are_not_parsed_say_the_same(text: bytes, changes: list[tuple[float, int, bytes]], times: int) -> None:
    """A comment before its data makes an event one that is always parsed."""
    head, first, rest = text.partition(b"\n\n")
    sent = edited(head + first + (rest.partition(b"\n\n")[0] + b"\n\n") * times + rest, changes)
    parsed = sent.replace(b"\n\ndata: {", b"\n\n: parsed\ndata: {")
    one, other = assembled(sent, [len(sent) or 1]), assembled(parsed, [len(parsed) or 1])
    assert (one.is_broken_off, one.has_failed, one.texts) == (other.is_broken_off, other.has_failed, other.texts)
    if b'"choices"' in one.body() and one.body() != sent:
        assert one.body() == other.body()


@settings(steady, max_examples=40)
@given(text=st.sampled_from(TEXTS), changes=edits)
def test_a_damaged_stream_costs_one_attempt(text: bytes, changes: list[tuple[float, int, bytes]]) -> None:
    sent = edited(text, changes)
    with responding({"damaged": Response(200, sent, EVENT_STREAM)}) as server:

        async def ask() -> AttemptResult:
            client = TeacherClient(EndpointSpec(chat_url=f"{server}/damaged/v1/chat/completions"), 1)
            try:
                return await asyncio.wait_for(client.send(REQUEST, 0, 1, ASK), 10)
            finally:
                await client.close()

        result = asyncio.run(ask())
    assert (result.reply is None) is not (result.failure is None)
    assert result.body or not sent
    if result.failure is not None:
        assert isinstance(result.failure.kind, FailureKind)
        assert result.failure.detail


def chunk(**delta: Any) -> bytes:
    fields = {"id": "x", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


@pytest.mark.parametrize("piece", [1, 100_000])
@pytest.mark.parametrize(
    "text",
    [
        chunk(content="word ") * 2_500,
        chunk(reasoning_content="w", content=None) * 2_500,
        chunk(tool_calls=[{"index": 0, "function": {"arguments": "{"}}]) * 2_000,
        chunk(content="x" * 200_000),
        b": keep-alive\n" * 20_000,
        b"data: " * 30_000,
        b"\r" * 100_000,
    ],
    ids=["words", "thinking", "tools", "one", "comments", "no end", "returns"],
)
def test_time_is_linear_in_what_comes(text: bytes, piece: int) -> None:
    """Not a measurement: what is quadratic takes minutes here."""
    started = time.thread_time()
    assembled(text, [piece]).body()
    assert time.thread_time() - started < 30
