"""Streamed answers through the engine, from real servers: the same records, and a timeout for every silence."""

import json
import logging
import time
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import fastavro
import pytest
from local_server import serving

from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Latency, SimulatorSettings, StreamBehaviour
from transforms.elements.failures import FailureKind, RequestFailure
from transforms.elements.replies import ScoredRow
from transforms.elements.rows import ChatMessage, PromptRequest, RowOrigin, Split, TrainingRow
from transforms.teacher.client import AttemptResult
from transforms.teacher.probe import ask_once
from transforms.teacher.refused_parameters import read_request
from transforms.teacher.row_steps import RowSteps
from transforms.teacher.session import ScoringSession
from transforms.teacher.specs import ConcurrencySpec, CredentialKind, CredentialRef, EndpointSpec, PatienceSpec, SamplingSpec, ScoringSpec
from transforms.teacher.stream_spec import StreamAsk, StreamMode, StreamSpec
from transforms.teacher.streaming import Streaming

THINKS = SimulatorSettings(reasoning="field", thinking_tokens=40)
ON, OFF = StreamSpec(StreamMode.ON), StreamSpec(StreamMode.OFF)
OF_THE_MOMENT = ("latency_ms", "sent_at_ms", "answered_at_ms", "attempts", "endpoint")
LONG = SamplingSpec(max_new_tokens=4096)
SECRET = "sk-9f2c4e6a8b0d1357"


@dataclass
class Scored:
    """The outcomes of some rows."""

    rows: list[ScoredRow]
    answers: list[dict[str, Any]]
    failures: list[dict[str, Any]]

    @property
    def kinds(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for row in self.rows:
            for kind, count in row.failures_by_kind:
                counts[kind] = counts.get(kind, 0) + count
        return counts


def score(folder: Path, base_url: str, rows: int = 10, **changes: Any) -> Scored:
    spec = ScoringSpec(
        endpoint=EndpointSpec(f"{base_url}/chat/completions", "simulated-teacher"),
        sampling=LONG,
        concurrency=ConcurrencySpec(),
        patience=PatienceSpec(),
        ledger_dir=str(folder / "ledger"),
        failures_dir=str(folder / "failures"),
        run_id="run-1",
        seed=7,
    )
    session = ScoringSession(replace(spec, **changes), RowSteps(lambda request, replies: None))
    try:
        lane = session.lane()
        lane.put([(request(number), ()) for number in range(rows)])
        scored = sorted(lane.drain(), key=lambda row: row.request.row.origin.line)
    finally:
        session.close()
    return Scored(scored, recorded(folder / "ledger"), recorded(folder / "failures"))


def request(number: int) -> PromptRequest:
    messages = (ChatMessage("user", f"What is {number} plus 1?"),)
    return PromptRequest(TrainingRow(f"row-{number}", RowOrigin(Split.TRAIN, "rows.jsonl", number + 1, number), messages), (messages,), (None,))


def recorded(folder: Path) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    for segment in sorted(folder.glob("*.avro")):
        with segment.open("rb") as file:
            records.extend(fastavro.reader(file))
    return sorted(records, key=lambda record: record["line"])


@pytest.mark.parametrize("reasoning", ["none", "think", "field"])
def test_the_ledger_of_a_stream_equals_that_of_a_whole_response(tmp_path: Path, reasoning: str) -> None:
    """Byte for byte: payload, hash and response."""
    faults = {"null_content": 0.1, "length": 0.1, "content_filter": 0.1, "fenced": 0.1}
    teacher = replace(THINKS, reasoning=reasoning, faults=faults)
    with start_simulator(teacher) as simulator:
        streamed = score(tmp_path / "on", simulator.base_url, 60, stream=ON)
        assert simulator.stats()["streams"] == 60
    with start_simulator(teacher) as simulator:  # another one, so that the answers have the same ids
        whole = score(tmp_path / "off", simulator.base_url, 60, stream=OFF)
        assert simulator.stats()["streams"] == 0

    def lasting(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{name: value for name, value in record.items() if name not in OF_THE_MOMENT} for record in records]

    assert len(whole.answers) == 60
    assert lasting(streamed.answers) == lasting(whole.answers)
    assert {record["finish_reason"] for record in streamed.answers} == {"stop", "length", "content_filter"}


def test_long_answers_are_streamed_and_short_ones_are_not(tmp_path: Path) -> None:
    with start_simulator(THINKS) as simulator:
        score(tmp_path / "short", simulator.base_url, sampling=SamplingSpec(max_new_tokens=1024))
        assert simulator.stats()["streams"] == 0
        score(tmp_path / "long", simulator.base_url)
        assert simulator.stats()["streams"] == 10


@pytest.mark.parametrize(("support", "streamed"), [("refused", 0), ("options_refused", 40), ("ignored", 0)])
def test_what_an_endpoint_does_not_support_is_learned_once(
    tmp_path: Path, support: str, streamed: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with start_simulator(replace(THINKS, streams=StreamBehaviour(support))) as simulator:
        scored = score(tmp_path, simulator.base_url, 40, concurrency=ConcurrencySpec(initial=5, maximum=5))
        stats = simulator.stats()
    assert len(scored.answers) == 40
    assert all(row.failure is None for row in scored.rows)
    assert stats["streams"] == streamed
    assert stats["requests"] <= 40 + 5, "those that had left before the first refusal came back"
    assert len([record for record in caplog.records if "stream" in record.message]) == 1


def test_forcing_a_setting_shows_what_the_endpoint_says(tmp_path: Path) -> None:
    with start_simulator(replace(THINKS, streams=StreamBehaviour("refused"))) as simulator:
        scored = score(tmp_path, simulator.base_url, 200, stream=ON)
        requests = simulator.stats()["requests"]
    stopped = [row.stopped for row in scored.rows if row.stopped is not None]
    assert not scored.answers
    assert stopped
    assert requests < 200
    assert "'stream' does not support true" in stopped[0].detail


@pytest.mark.parametrize("fault", ["stream_break", "stream_error", "stream_gap"])
def test_a_stream_that_fails_is_kept_and_requested_again(tmp_path: Path, fault: str) -> None:
    spec = StreamSpec(StreamMode.ON, first_token_s=30.0, token_gap_s=1.0)
    with start_simulator(replace(THINKS, seed=3, faults={fault: 0.1}, streams=StreamBehaviour(gap_s=30))) as simulator:
        scored = score(tmp_path, simulator.base_url, 20, stream=spec)
        failed = simulator.stats()["by_fault"][fault]
    kind = {"stream_break": "broken_off", "stream_error": "server_error", "stream_gap": "timed_out"}[fault]
    assert failed
    assert scored.kinds == {kind: failed}
    assert len(scored.answers) == 20
    assert len(scored.failures) == failed
    for record in scored.failures:
        choice = json.loads(record["body"])["choices"][0]
        assert choice["message"]["reasoning_content"].startswith("Let me see")
        assert choice["finish_reason"] is None
        assert record["status"] == 200
        assert not record["given_up"]


def test_an_answer_without_done_is_whole(tmp_path: Path) -> None:
    with start_simulator(replace(THINKS, faults={"stream_no_done": 1.0})) as simulator:
        scored = score(tmp_path, simulator.base_url, stream=ON)
    assert len(scored.answers) == 10
    assert not scored.failures


def test_comments_are_not_tokens(tmp_path: Path) -> None:
    """A gateway's keep-alive says nothing about the server behind it."""
    waits = Latency("per_token", prefill_ms=60_000, token_ms=1)
    spec = StreamSpec(StreamMode.ON, first_token_s=0.4)
    with start_simulator(replace(THINKS, latency=waits, streams=StreamBehaviour(keep_alive_s=0.05))) as simulator:
        scored = score(tmp_path, simulator.base_url, 1, stream=spec, patience=PatienceSpec(payload_s=1.0))
    assert scored.rows[0].failure is not None
    assert scored.rows[0].failure.kind is FailureKind.TIMED_OUT
    assert "no token within 0.4 s (first_token_timeout)" in scored.rows[0].failure.detail


class BehindAGateway(BaseHTTPRequestHandler):
    """A gateway that ends every request on which nothing has come for 0.2 s; answers take longer."""

    can_stream = True
    whole: list[bool]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        streamed = bool(body.get("stream")) and self.can_stream
        self.whole.append(not streamed)
        if streamed:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(b'data: {"choices":[{"index":0,"delta":{"content":"4"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
            return
        time.sleep(0.2)
        self.send_response(504)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html><head><title>504 Gateway Time-out</title></head><body><center>nginx/1.25.3</center></body></html>")

    def log_message(self, *args: object) -> None: ...


def test_an_endpoint_whose_gateway_ends_silent_answers_is_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteLLM issue 9551: the same requests fail with 504 unstreamed, and not one of them as a stream."""
    monkeypatch.setattr("transforms.teacher.streaming.SHORTEST_GATEWAY_LIMIT_S", 0.1)

    class Gateway(BehindAGateway):
        whole: list[bool] = []

    with serving(Gateway) as address:
        scored = score(
            tmp_path, f"http://{address}/v1", 10, sampling=SamplingSpec(max_new_tokens=1024), concurrency=ConcurrencySpec(initial=2, maximum=2)
        )
    assert len(scored.answers) == 10
    assert 1 <= sum(Gateway.whole) <= 2, "those that had left before the first 504"
    assert len(Gateway.whole) == 10 + sum(Gateway.whole)


def test_a_gateway_ends_streams_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The failures count as before: no row is sent again and again at once."""
    monkeypatch.setattr("transforms.teacher.streaming.SHORTEST_GATEWAY_LIMIT_S", 0.1)

    class Gateway(BehindAGateway):
        can_stream = False
        whole: list[bool] = []

    with serving(Gateway) as address:
        scored = score(
            tmp_path,
            f"http://{address}/v1",
            1,
            sampling=SamplingSpec(max_new_tokens=1024),
            patience=PatienceSpec(payload_s=2.0, outage_s=2.0, first_answer_s=2.0),
        )
    assert not scored.answers
    assert len(Gateway.whole) < 10


@pytest.mark.parametrize(
    ("status", "after_s", "mode", "learns"),
    [
        (504, 60.0, StreamMode.AUTO, True),
        (524, 100.0, StreamMode.AUTO, True),
        (504, 1.0, StreamMode.AUTO, False),  # an overloaded gateway
        (503, 60.0, StreamMode.AUTO, False),
        (None, 180.0, StreamMode.AUTO, False),  # our own time limit
        (504, 60.0, StreamMode.OFF, False),
    ],
)
def test_which_ends_are_a_gateways(status: int | None, after_s: float, mode: StreamMode, learns: bool) -> None:
    streaming = Streaming(StreamSpec(mode), True, 1024)
    assert streaming.learn(RequestFailure(FailureKind.TIMED_OUT, "", status), None, after_s) is learns
    assert (streaming.ask is not None) is learns


def test_while_tokens_arrive_no_timeout_ends_an_answer(tmp_path: Path) -> None:
    patience = PatienceSpec(attempt_s=0.2, longest_attempt_s=0.2)
    with start_simulator(replace(THINKS, latency=Latency("fixed", mean_ms=1500))) as simulator:
        scored = score(tmp_path, simulator.base_url, 5, stream=StreamSpec(StreamMode.ON, token_gap_s=1.0), patience=patience)
        assert simulator.stats()["requests"] == 5
    assert len(scored.answers) == 5
    assert all(record["latency_ms"] >= 1400 for record in scored.answers)


class StreamingHandler(BaseHTTPRequestHandler):
    """Reads each request and begins a stream; what it holds is a test's own."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.stream()

    def stream(self) -> None:
        raise NotImplementedError

    def log_message(self, *args: object) -> None: ...


def test_a_connection_is_used_again_after_a_stream(tmp_path: Path) -> None:
    connections = set()

    class Teacher(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            connections.add(self.client_address)
            self.rfile.read(int(self.headers["Content-Length"]))
            body = b'data: {"choices":[{"index":0,"delta":{"content":"4"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None: ...

    with serving(Teacher) as address:
        scored = score(tmp_path, f"http://{address}/v1", 6, stream=ON, concurrency=ConcurrencySpec(1, 1))
    assert len(scored.answers) == 6
    assert len(connections) == 1


def test_done_without_a_reason_names_the_setting_that_helps(tmp_path: Path) -> None:
    """A gateway whose streams never hold a finish_reason (opencode issue 43882) may well answer in one piece."""

    class Teacher(StreamingHandler):
        def stream(self) -> None:
            self.wfile.write(b'data: {"choices":[{"index":0,"delta":{"content":"4"},"finish_reason":null}]}\n\ndata: [DONE]\n\n')

    with serving(Teacher) as address:
        scored = score(tmp_path, f"http://{address}/v1", 1, stream=ON, patience=PatienceSpec(payload_s=1.0))
    failure = scored.rows[0].failure or scored.rows[0].stopped
    assert not scored.answers
    assert failure is not None
    assert "there is no finish_reason for a complete answer; with stream: off it comes in one piece" in failure.detail


def test_a_response_that_does_not_end_after_done_is_not_waited_for(tmp_path: Path) -> None:
    class Teacher(StreamingHandler):
        def stream(self) -> None:
            self.wfile.write(b'data: {"choices":[{"index":0,"delta":{"content":"4"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
            self.wfile.flush()
            self.rfile.read(1)  # until the client leaves

    with serving(Teacher) as address:
        scored = score(tmp_path, f"http://{address}/v1", 1, stream=ON)
    assert len(scored.answers) == 1


def test_a_secret_spread_over_tokens_is_struck_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that repeats the key, three letters a token."""
    monkeypatch.setenv("TEACHER_KEY", SECRET)

    class Teacher(StreamingHandler):
        def stream(self) -> None:
            for start in range(0, len(SECRET), 3):
                chunk = {"choices": [{"index": 0, "delta": {"content": SECRET[start : start + 3]}, "finish_reason": None}]}
                self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
            self.wfile.write(b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n')

    with serving(Teacher) as address:
        credential = CredentialRef(CredentialKind.ENVIRONMENT, "TEACHER_KEY")
        endpoint = EndpointSpec(f"http://{address}/v1/chat/completions", "m", credential=credential)
        scored = score(tmp_path, "", 1, stream=ON, endpoint=endpoint)
    assert scored.rows[0].replies[0].content == "[secret]"
    assert "[secret]" in scored.answers[0]["response"]
    assert SECRET not in str(scored.answers)


@pytest.mark.parametrize("support", ["yes", "options_refused", "refused", "ignored"])
def test_check_sends_its_request_like_a_run(support: str) -> None:
    with start_simulator(replace(THINKS, streams=StreamBehaviour(support), requires_max_completion_tokens=True)) as simulator:
        endpoint = EndpointSpec(f"{simulator.base_url}/chat/completions", "simulated-teacher")
        result = ask_once(endpoint, LONG, request(1).messages_for_turn(0, ()), 30.0, StreamSpec())
        assert simulator.stats()["streams"] == (support in ("yes", "options_refused"))
    assert result.reply is not None
    assert result.was_stream is (support in ("yes", "options_refused"))


# what is learned, without a server


def whole(latency_s: float = 1.0, was_stream: bool = False) -> AttemptResult:
    return AttemptResult(1000 * latency_s, was_stream=was_stream)


def learning(mode: StreamMode = StreamMode.AUTO, max_new_tokens: int = 4096) -> Streaming:
    return Streaming(StreamSpec(mode), True, max_new_tokens)


def test_a_slow_answer_makes_the_next_ones_streams() -> None:
    streaming = learning(max_new_tokens=128)
    streaming.answered(None, whole(29.0))
    assert streaming.ask is None
    streaming.answered(None, whole(31.0))
    assert streaming.ask is not None


def test_streams_that_fail_are_given_up_unless_one_was_complete() -> None:
    broken = RequestFailure(FailureKind.BROKEN_BODY, "the stream says nothing", 200)
    never, once, cut = learning(), learning(), learning()
    once.answered(once.ask, whole(was_stream=True))
    for _ in range(5):
        assert not never.learn(broken, never.ask)
        assert not once.learn(broken, once.ask)
        cut.learn(replace(broken, kind=FailureKind.BROKEN_OFF), cut.ask)
    assert never.ask is None
    assert once.ask is not None
    assert cut.ask is not None, "those that break off come before those that are whole"


def test_an_unexplained_refusal_is_tried_in_one_piece_before_it_counts() -> None:
    """A server that says only 'bad request' may mean the stream; this is certain when the row is answered without."""
    refused = RequestFailure(FailureKind.BAD_REQUEST, "status 400", 400)
    streaming = learning()
    assert streaming.may_be_refused(refused, streaming.ask)
    assert streaming.ask is not None
    streaming.answered_only_whole()
    assert streaming.ask is None
    proven = learning()
    proven.answered(proven.ask, whole(was_stream=True))
    assert not proven.may_be_refused(refused, proven.ask)
    assert not learning(StreamMode.ON).may_be_refused(refused, learning(StreamMode.ON).ask)


def test_an_endpoint_that_answers_in_one_piece_gets_no_stream_requests() -> None:
    streaming = learning()
    streaming.answered(streaming.ask, whole())
    assert streaming.ask is None
    kept = learning()
    kept.answered(kept.ask, whole(was_stream=True))
    kept.answered(kept.ask, whole())  # out of a cache
    assert kept.ask is not None


def test_the_body_that_goes_out() -> None:
    body = b'{"messages":[],"max_tokens":64}'
    assert json.loads(StreamAsk(True, 1.0, 1.0).applied(body)) == {
        "messages": [],
        "max_tokens": 64,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    asked = read_request(StreamAsk(False, 1.0, 1.0).applied(body))
    assert "stream" in asked.names
    assert "stream_options" not in asked.names
