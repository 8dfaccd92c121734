"""Answers of the embedded teacher token by token: the same answers, and everything that real streams do."""

import http.client
import json
import time
from typing import Any

import pytest

from beam_distill.cli.main import main
from beam_distill.simulator.server import RunningSimulator, start_simulator
from beam_distill.simulator.settings import Latency, SimulatorSettings, StreamBehaviour

LONG = SimulatorSettings(reasoning="field", thinking_tokens=50)


def post(simulator: RunningSimulator, **fields: Any) -> tuple[int, str]:
    """Status and body; by hand, since a stream that breaks off raises in every library."""
    connection = http.client.HTTPConnection(simulator.root_url.removeprefix("http://"), timeout=30)
    try:
        body = {"messages": [{"role": "user", "content": "What is 3 plus 4?"}], **fields}
        connection.request("POST", "/v1/chat/completions", json.dumps(body))
        response = connection.getresponse()
        try:
            return response.status, response.read().decode()
        except http.client.IncompleteRead as cut:
            return response.status, cut.partial.decode() + "(cut)"
    finally:
        connection.close()


def chunks(body: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in body.split("\n\n") if line.startswith("data: {")]


def texts(body: str, name: str, index: int = 0) -> list[str]:
    choices = [choice for chunk in chunks(body) for choice in chunk.get("choices", []) if choice["index"] == index]
    return [choice["delta"][name] for choice in choices if choice["delta"].get(name)]


def test_a_stream_is_the_same_answer() -> None:
    with start_simulator(LONG) as simulator:
        whole = json.loads(post(simulator, n=2)[1])
        status, body = post(simulator, n=2, stream=True, stream_options={"include_usage": True})
        assert status == 200
        assert body.endswith("data: [DONE]\n\n")
        assert ": keep-alive" not in body
        for choice in whole["choices"]:
            thought = texts(body, "reasoning_content", choice["index"])
            assert len(thought) == 50
            assert "".join(thought) == choice["message"]["reasoning_content"]
            assert "".join(texts(body, "content", choice["index"])) == choice["message"]["content"]
        last = chunks(body)[-1]
        assert last["choices"] == []
        assert last["usage"] == whole["usage"]
        assert last["id"] != whole["id"]
        assert {chunk["id"] for chunk in chunks(body)} == {last["id"]}
        assert body.index("reasoning_content") < body.index('"content":"', body.index("reasoning_content"))
        assert "usage" not in post(simulator, stream=True)[1]
        assert simulator.stats()["streams"] == 2
        assert simulator.stats()["answered"] == 3


def test_tokens_come_one_by_one_with_comments_between() -> None:
    slow = SimulatorSettings(latency=Latency("fixed", mean_ms=400), streams=StreamBehaviour(keep_alive_s=0.05))
    with start_simulator(slow) as simulator:
        started = time.monotonic()
        body = post(simulator, stream=True, messages=[{"role": "user", "content": "Tell me of the river and its fish, and of the sea."}])[1]
        assert time.monotonic() - started > 0.3
    assert body.count(": keep-alive") >= 2
    assert len(texts(body, "content")) > 10
    assert body.index(": keep-alive") < body.rindex('"content"')


@pytest.mark.parametrize(
    ("fault", "ends"),
    [("stream_break", "(cut)"), ("stream_error", '"code":500}}\n\n'), ("stream_no_done", "]}\n\n"), ("stream_gap", "[DONE]\n\n")],
)
def test_a_stream_fails_in_the_middle(fault: str, ends: str) -> None:
    settings = SimulatorSettings(reasoning="field", thinking_tokens=20, faults={fault: 1.0}, streams=StreamBehaviour(gap_s=0.3))
    with start_simulator(settings) as simulator:
        started = time.monotonic()
        status, body = post(simulator, stream=True)
        assert status == 200, body[-100:]
        assert body.endswith(ends), body[-100:]
        assert texts(body, "reasoning_content")
        if fault == "stream_gap":
            assert time.monotonic() - started > 0.25
        assert bool(texts(body, "content")) == (fault in ("stream_no_done", "stream_gap"))
        assert simulator.stats()["by_fault"] == {fault: 1}
        assert post(simulator)[0] == 200, "in one piece there is nothing to break"
        assert simulator.stats()["by_fault"] == {fault: 1}, "in one piece there is nothing to break"


@pytest.mark.parametrize(
    ("support", "status", "said"), [("ignored", 200, '"message"'), ("refused", 400, "'stream'"), ("options_refused", 400, "stream_options")]
)
def test_not_every_endpoint_streams(support: str, status: int, said: str) -> None:
    with start_simulator(SimulatorSettings(streams=StreamBehaviour(support))) as simulator:
        answered = post(simulator, stream=True, stream_options={"include_usage": True})
        assert answered[0] == status
        assert said in answered[1]
        assert post(simulator)[0] == 200


def test_an_unknown_fault_names_those_of_streams(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--port", "0", "--fault", "stream_cut=1"]) == 2
    assert "stream_gap, stream_break, stream_error, stream_no_done" in capsys.readouterr().err
