"""The engine against real servers: pace, deadlines, and the use of slots."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import fastavro
import pytest
from aiohttp import web

from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Latency, SimulatorSettings
from transforms.elements.replies import ScoredRow, TeacherReply
from transforms.elements.rows import ChatMessage, PromptRequest, RowOrigin, Split, TrainingRow
from transforms.reuse.answer_index import AnswerIndex
from transforms.teacher.payload import PayloadTemplate
from transforms.teacher.row_steps import NextTurn, RowSteps
from transforms.teacher.session import ScoringSession
from transforms.teacher.specs import ConcurrencySpec, EndpointSpec, PatienceSpec, SamplingSpec, ScoringSpec


def requests(count: int) -> list[tuple[PromptRequest, tuple[TeacherReply, ...]]]:
    made: list[tuple[PromptRequest, tuple[TeacherReply, ...]]] = []
    for number in range(count):
        messages = (ChatMessage("user", f"What is {number} plus 1?"),)
        row = TrainingRow(f"row-{number}", RowOrigin(Split.TRAIN, "rows.jsonl", number + 1, number), messages)
        made.append((PromptRequest(row, (messages,), (None,)), ()))
    return made


def a_spec(folder: Path, base_url: str) -> ScoringSpec:
    return ScoringSpec(
        endpoint=EndpointSpec(f"{base_url}/chat/completions", "simulated-teacher"),
        sampling=SamplingSpec(),
        concurrency=ConcurrencySpec(),
        patience=PatienceSpec(),
        ledger_dir=str(folder / "ledger"),
        failures_dir=str(folder / "failures"),
        run_id="run-1",
        seed=7,
    )


def score(
    folder: Path,
    base_url: str,
    rows: int,
    concurrency: ConcurrencySpec | None = None,
    patience: PatienceSpec | None = None,
    asked: list[tuple[PromptRequest, tuple[TeacherReply, ...]]] | None = None,
    next_turn: NextTurn = lambda request, replies: None,
    **options: bool,
) -> list[ScoredRow]:
    spec = replace(
        a_spec(folder, base_url),
        concurrency=concurrency or ConcurrencySpec(),
        patience=patience or PatienceSpec(),
        **options,  # type: ignore[arg-type]
    )
    session = ScoringSession(spec, RowSteps(next_turn))
    try:
        lane = session.lane()
        lane.put(requests(rows) if asked is None else asked)
        return list(lane.drain())
    finally:
        session.close()


@contextmanager
def serving(handler: Callable[[int, web.Request], Awaitable[web.Response]]) -> Iterator[str]:
    """A server whose ``handler`` gets the number of requests before."""
    loop = asyncio.new_event_loop()
    arrived = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal arrived
        arrived += 1
        return await handler(arrived - 1, request)

    async def start() -> tuple[web.AppRunner, int]:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, runner.addresses[0][1]

    runner, port = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def recorded(folder: Path) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    for segment in sorted(folder.glob("*.avro")):
        with segment.open("rb") as file:
            records.extend(fastavro.reader(file))
    return records


def answered(text: str = "4") -> web.Response:
    return web.json_response({"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]})


def test_a_waiting_row_holds_no_slot(tmp_path: Path) -> None:
    order: list[str] = []

    async def handler(number: int, request: web.Request) -> web.Response:
        question = (await request.json())["messages"][-1]["content"]
        order.append(question)
        if number == 0:
            return web.json_response({"error": {"message": "busy"}}, status=503, headers={"Retry-After": "1"})
        return answered()

    with serving(handler) as url:
        rows = score(tmp_path, url, 6, ConcurrencySpec(initial=1, maximum=1))
    assert len(rows) == 6
    assert all(row.replies for row in rows)
    assert order[0] == order[-1] == "What is 0 plus 1?"
    assert len(order) == 7


def test_a_retry_goes_before_new_rows(tmp_path: Path) -> None:
    order: list[str] = []

    async def handler(number: int, request: web.Request) -> web.Response:
        order.append((await request.json())["messages"][-1]["content"])
        if number == 0:
            return web.json_response({"error": {"message": "busy"}}, status=503, headers={"Retry-After-Ms": "50"})
        await asyncio.sleep(0.3)
        return answered()

    with serving(handler) as url:
        score(tmp_path, url, 6, ConcurrencySpec(initial=1, maximum=1))
    assert order.index("What is 0 plus 1?", 1) == 2


def test_an_attempt_that_takes_too_long_is_sent_again(tmp_path: Path) -> None:
    async def handler(number: int, request: web.Request) -> web.Response:
        if number < 3:
            await asyncio.sleep(30)
        return answered()

    patience = PatienceSpec(attempt_s=1.5, longest_attempt_s=20.0)
    with serving(handler) as url:
        rows = score(tmp_path, url, 3, patience=patience)
    assert [len(row.replies) for row in rows] == [1, 1, 1]
    assert sum(dict(row.failures_by_kind).get("timed_out", 0) for row in rows) == 3
    assert all(row.attempts == 2 for row in rows)


def test_a_failed_connection_is_not_a_slow_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.teacher.client.CONNECT_TIMEOUT_S", 0.2)
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)  # a queue of one that nobody empties: the next connection gets no answer at all
        for _ in range(3):
            early = waiting.enter_context(socket.socket())
            early.setblocking(False)
            early.connect_ex(full.getsockname())
        patience = PatienceSpec(payload_s=1.0)
        rows = score(tmp_path, f"http://127.0.0.1:{full.getsockname()[1]}/v1", 1, patience=patience)
    assert rows[0].failure is not None
    assert rows[0].failure.kind.value == "cannot_connect"


def test_the_limit_counts_requests_on_the_wire(tmp_path: Path) -> None:
    with start_simulator(SimulatorSettings(latency=Latency("lognormal", mean_ms=20))) as simulator:
        score(tmp_path, simulator.base_url, 400, ConcurrencySpec(initial=2, maximum=6))
        assert simulator.stats()["peak_in_flight"] <= 6


@pytest.mark.parametrize("name", ["retry-after", "x-ms-retry-after-ms"])
def test_every_row_is_answered_where_all_are_throttled_at_first(tmp_path: Path, name: str) -> None:
    async def handler(number: int, request: web.Request) -> web.Response:
        if number < 20:
            return web.json_response({"error": {"message": "slow"}}, status=429, headers={name: "0" if name == "retry-after" else "30"})
        return answered()

    with serving(handler) as url:
        rows = score(tmp_path, url, 30)
    assert len(rows) == 30
    assert all(row.replies for row in rows)


def alike(count: int) -> list[tuple[PromptRequest, tuple[TeacherReply, ...]]]:
    return [(request._replace(turns=((ChatMessage("user", "What is 2 plus 2?"),),)), replies) for request, replies in requests(count)]


def test_identical_requests_share_one_answer_and_each_row_has_its_record(tmp_path: Path) -> None:
    with start_simulator(SimulatorSettings(latency=Latency("fixed", mean_ms=50))) as simulator:
        rows = score(tmp_path, simulator.base_url, 0, asked=alike(20), share_identical_answers=True)
        assert simulator.stats()["requests"] == 1
    assert len(rows) == 20
    assert len({row.replies[0].content for row in rows}) == 1
    assert sum(row.paid_now for row in rows) == 1
    assert sum(row.answers_shared for row in rows) == 19
    assert sum(len(row.paid_replies) for row in rows) == 1
    index = AnswerIndex(str(tmp_path / "ledger"))
    assert len(index) == 20
    index.close()


def test_without_the_option_identical_requests_are_sent_one_by_one(tmp_path: Path) -> None:
    with start_simulator() as simulator:
        score(tmp_path, simulator.base_url, 0, asked=alike(20))
        assert simulator.stats()["requests"] == 20


def test_a_sharing_row_sends_its_own_request_when_the_first_is_given_up(tmp_path: Path) -> None:
    async def handler(number: int, request: web.Request) -> web.Response:
        await asyncio.sleep(0.1)
        return answered() if number else web.json_response({"error": {"message": "invalid request"}}, status=400)

    with serving(handler) as url:
        rows = score(tmp_path, url, 0, asked=alike(5), share_identical_answers=True)
    assert sorted(row.failure is None for row in rows) == [False, True, True, True, True]
    assert sum(row.attempts for row in rows) == 2


def test_a_sharing_row_sends_its_own_request_when_the_first_is_withdrawn(tmp_path: Path) -> None:
    blocked = threading.Event()

    async def handler(number: int, request: web.Request) -> web.Response:
        if number == 0:
            await asyncio.to_thread(blocked.wait)
        return answered()

    with serving(handler) as url:
        spec = replace(a_spec(tmp_path, url), concurrency=ConcurrencySpec(initial=1, maximum=1), share_identical_answers=True)
        session = ScoringSession(spec, RowSteps(lambda request, replies: None))
        try:
            abandoned, kept = session.lane(), session.lane()
            abandoned.put([*requests(1), *alike(2)])  # the first is on the wire, the second waits for a slot, the third for the second
            kept.put(alike(1))
            abandoned.abandon()
            blocked.set()
            assert [len(row.replies) for row in kept.drain()] == [1]
            session.wait_for_abandoned()
        finally:
            session.close()


@pytest.mark.parametrize("hedge", [True, False])
def test_a_straggler_is_sent_again_only_with_the_option(tmp_path: Path, hedge: bool) -> None:
    waited: list[int] = []

    async def handler(number: int, request: web.Request) -> web.Response:
        if number == 39:
            waited.append(number)
            await asyncio.sleep(60.0 if hedge else 0.5)
        await asyncio.sleep(0.02)
        return answered()

    with serving(handler) as url:
        rows = score(tmp_path, url, 40, hedge_stragglers=hedge)
    assert waited == [39]
    assert all(row.replies for row in rows)
    # on a slow machine others may be late as well
    assert (sum(row.attempts for row in rows) > 40) is hedge


def test_a_defect_of_ours_is_raised_and_no_caller_waits_for_ever(tmp_path: Path) -> None:
    def broken(request: PromptRequest, replies: tuple[TeacherReply, ...]) -> None:
        raise RuntimeError("a defect")

    with start_simulator() as simulator, pytest.raises(RuntimeError, match="a defect"):
        score(tmp_path, simulator.base_url, 3, next_turn=broken)


@pytest.mark.fault("G18")
def test_what_the_server_calls_a_response_is_on_the_ledger(tmp_path: Path) -> None:
    async def handler(number: int, request: web.Request) -> web.Response:
        response = answered()
        response.headers["x-request-id"] = f"req-{number}"
        return response

    with serving(handler) as url:
        score(tmp_path, url, 3)
    assert {record["response_id"] for record in recorded(tmp_path / "ledger")} == {"req-0", "req-1", "req-2"}


@pytest.mark.fault("T1", "X-B2")
def test_a_row_that_always_fails_costs_itself_alone(tmp_path: Path) -> None:
    async def handler(number: int, request: web.Request) -> web.Response:
        if "What is 4 plus 1?" in await request.text():
            assert request.transport is not None
            request.transport.close()
        return answered()

    with serving(handler) as url:
        rows = score(tmp_path, url, 30, patience=PatienceSpec(outage_s=5.0))
    ended = {row.request.row.row_key: row.failure.kind.value for row in rows if row.failure is not None}
    assert ended == {"row-4": "connection_lost"}
    assert not [row for row in rows if row.stopped]


@pytest.mark.fault("D3", "X-C3")
def test_the_whole_body_of_every_useless_200_is_kept(tmp_path: Path) -> None:
    page = "<html><body>" + "Please sign in. " * 100 + "</body></html>"

    async def handler(number: int, request: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html") if number < 3 else answered()

    with serving(handler) as url:
        rows = score(tmp_path, url, 5)
    assert all(row.replies for row in rows)
    assert [(record["body"], record["given_up"]) for record in recorded(tmp_path / "failures")] == [(page.encode(), False)] * 3


@pytest.mark.fault("D10", "A1")
def test_a_rerun_finds_the_answers_of_a_teacher_that_did_not_take_everything(tmp_path: Path) -> None:
    bodies: list[dict[str, Any]] = []

    async def handler(number: int, request: web.Request) -> web.Response:
        body = await request.json()
        bodies.append(body)
        if "top_p" in body:
            said = "Unsupported parameter: 'top_p' is not supported with this model."
            error = {"message": said, "type": "invalid_request_error", "param": "top_p", "code": "unsupported_parameter"}
            return web.json_response({"error": error}, status=400)
        return answered()

    with serving(handler) as url:
        rows = score(tmp_path, url, 20, ConcurrencySpec(maximum=5))
        assert all(row.replies for row in rows)
        asked_once = len(bodies)
        spec = replace(a_spec(tmp_path, url), run_id="run-2")
    index = AnswerIndex(spec.ledger_dir)
    template = PayloadTemplate(spec.endpoint, spec.sampling)
    for request, _ in requests(20):
        body = template.body(request.messages_for_turn(0, ()))
        assert index.find(request.row.row_key, 0, template.request_hash(body)) is not None
    assert asked_once <= 20 + 5
    assert sum("top_p" in body for body in bodies) <= 5
