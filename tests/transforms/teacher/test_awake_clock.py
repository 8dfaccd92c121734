"""A process that was stopped for longer than its deadlines reads the answers that arrived meanwhile; none is paid for twice."""

import asyncio
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from local_server import serving
from virtual_teacher import Asked, Played, answer, failed, play

from transforms.elements.failures import FailureKind
from transforms.elements.rows import ChatMessage, PromptRequest, RowOrigin, Split, TrainingRow
from transforms.teacher.awake_clock import AwakeClock
from transforms.teacher.client import AttemptResult
from transforms.teacher.row_steps import RowSteps
from transforms.teacher.session import ScoringSession
from transforms.teacher.specs import ConcurrencySpec, EndpointSpec, PatienceSpec, SamplingSpec, ScoringSpec
from transforms.teacher.stream_spec import StreamMode, StreamSpec


def test_time_in_which_nobody_looked_does_not_count() -> None:
    times = iter([100.0, 100.9, 101.8, 701.8, 702.0, 704.1])
    clock = AwakeClock(lambda: next(times), every_s=1.0)
    shown = [clock.now_s() for _ in range(5)]
    # 600 s of which one was the ticks' own; then a late look, of which only what is more than the ticks' second is left out
    assert shown == pytest.approx([100.9, 101.8, 102.8, 103.0, 104.0])


def test_a_busy_machine_is_not_a_stopped_one() -> None:
    times = iter([0.0, 1.9, 3.8])
    clock = AwakeClock(lambda: next(times), every_s=1.0)
    assert [clock.now_s(), clock.now_s()] == [1.9, 3.8]


def stopped_while(teacher: object, rows: int, for_s: float, **more: object) -> Played:
    """The rows through an engine whose process is stopped half a second after the first request."""
    begun = False

    def stop() -> None:
        asyncio.get_running_loop()._leaping.now_s += for_s  # type: ignore[attr-defined]

    def asked(request: Asked) -> AttemptResult | float:
        nonlocal begun
        if not begun:
            begun = True
            asyncio.get_running_loop().call_later(0.5, stop)
        return teacher(request)  # type: ignore[operator,no-any-return]

    return play(asked, rows, **more)  # type: ignore[arg-type]


def test_answers_that_arrived_meanwhile_are_read() -> None:
    played = stopped_while(lambda asked: answer(latency_s=1.5), 5, 600.0)
    assert played.reasons() == {"answered": 5}
    assert len(played.asked) == 5


def test_a_request_without_an_answer_is_still_given_up() -> None:
    played = stopped_while(lambda asked: 1e9 if asked.number == 0 else answer(latency_s=0.2), 5, 600.0, patience=PatienceSpec(attempt_s=20.0))
    assert played.reasons() == {"answered": 5}
    assert sum(asked.row is not None for asked in played.asked) == 6
    assert played.ended_s < 630.0


def test_an_outage_that_began_before_does_not_end_the_run_at_once() -> None:
    def teacher(asked: Asked) -> AttemptResult:
        return failed(FailureKind.UNAVAILABLE, 503) if 0.3 < asked.now_s < 605.0 else answer(latency_s=0.1)

    played = stopped_while(teacher, 300, 600.0, patience=PatienceSpec(outage_s=60.0))
    assert played.reasons() == {"answered": 300}
    assert played.stopped is None


class ThreeTokens(BaseHTTPRequestHandler):
    """A stream of three tokens: the second comes while the process is stopped, the third after that."""

    protocol_version = "HTTP/1.1"
    answered = 0

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        type(self).answered += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"fo"}}]}\n\n')
        self.wfile.flush()
        time.sleep(0.5)
        self.wfile.write(b'data: {"choices":[{"index":0,"delta":{"content":"u"}}]}\n\n')
        self.wfile.flush()
        time.sleep(4.0)
        self.wfile.write(b'data: {"choices":[{"index":0,"delta":{"content":"r"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
        self.close_connection = True


def test_the_rest_of_a_stream_that_arrived_meanwhile_is_read(tmp_path: Path) -> None:
    with serving(ThreeTokens) as address:
        spec = ScoringSpec(
            endpoint=EndpointSpec(f"http://{address}/v1/chat/completions", "m"),
            sampling=SamplingSpec(),
            concurrency=ConcurrencySpec(),
            patience=PatienceSpec(),
            ledger_dir=str(tmp_path / "ledger"),
            failures_dir=str(tmp_path / "failures"),
            run_id="run",
            stream=StreamSpec(StreamMode.ON, first_token_s=30.0, token_gap_s=3.0),
        )
        session = ScoringSession(spec, RowSteps(lambda request, replies: None))
        try:
            lane = session.lane()
            messages = (ChatMessage("user", "What is 2 + 2?"),)
            row = TrainingRow("row", RowOrigin(Split.TRAIN, "rows.jsonl", 1, 0), messages)
            lane.put([(PromptRequest(row, (messages,), (None,)), ())])
            while session.open_requests() == 0 or ThreeTokens.answered == 0:
                time.sleep(0.01)
            time.sleep(0.2)
            session._loop.call_soon_threadsafe(time.sleep, 3.8)  # the loop does nothing, like that of a stopped process
            (scored,) = lane.drain()
        finally:
            session.close()
    assert scored.replies[0].content == "four"
    assert ThreeTokens.answered == 1
