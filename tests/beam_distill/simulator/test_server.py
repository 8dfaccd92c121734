"""The embedded teacher over real HTTP: shapes, limits, faults, and the same behaviour for the same seed."""

import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Any

import pytest
from forked_python import Popen, run

from beam_distill.simulator.limits import Budgets, TokenBucket, duration_text
from beam_distill.simulator.server import RunningSimulator, start_simulator
from beam_distill.simulator.settings import FAULTS, Capacity, Latency, RateLimits, SimulatorSettings, mixed_faults


def post(simulator: RunningSimulator, fields: Any, **headers: str) -> tuple[int, dict[str, str], bytes]:
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    request = urllib.request.Request(f"{simulator.base_url}/chat/completions", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, dict(response.headers), response.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def asking(text: str = "What is 3 plus 4?", system: str = "Give the numerical answer.", **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "system", "content": system}, {"role": "user", "content": text}], **fields}


def test_an_answer_has_the_real_shape() -> None:
    with start_simulator() as simulator:
        status, _, body = post(simulator, asking(model="any"))
        fields = json.loads(body)
        assert status == 200
        assert fields["object"] == "chat.completion"
        assert fields["model"] == "any"
        choice = fields["choices"][0]
        assert choice["finish_reason"] == "stop"
        assert choice["message"]["role"] == "assistant"
        assert choice["message"]["content"].isdigit()
        usage = fields["usage"]
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
        with urllib.request.urlopen(f"{simulator.base_url}/models") as response:
            assert json.load(response)["data"][0]["id"] == "simulated-teacher"
        assert simulator.stats()["answered"] == 1


def test_answers_to_the_same_request_have_ids_of_their_own() -> None:
    with start_simulator() as simulator:
        ids = {json.loads(post(simulator, asking())[2])["id"] for _ in range(3)}
    assert len(ids) == 3


def test_shares_of_the_tokens_are_reported_as_cached_and_as_reasoning() -> None:
    settings = SimulatorSettings(cached_share=0.5, reasoning_share=0.9, latency=Latency(completion_tokens=200))
    with start_simulator(settings) as simulator:
        usage = json.loads(post(simulator, asking())[2])["usage"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": usage["prompt_tokens"] // 2}
    assert usage["completion_tokens"] == 200
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 180}


@pytest.mark.parametrize(
    ("system", "key"),
    [
        ('JSON with "reason" and "answer_choice", one of "yes", "no"', "answer_choice"),
        ('JSON with "reason" and "answer"', "answer"),
    ],
)
def test_json_is_answered_where_it_is_asked_for(system: str, key: str) -> None:
    with start_simulator() as simulator:
        content = json.loads(post(simulator, asking(system=system))[2])["choices"][0]["message"]["content"]
    assert set(json.loads(content)) == {"reason", key}


def test_output_is_clipped_by_the_right_fields_only() -> None:
    with start_simulator() as simulator:
        for name, finish in (("max_tokens", "length"), ("max_completion_tokens", "length"), ("max_new_tokens", "stop")):
            fields = json.loads(post(simulator, asking("Tell me a story about a fox", "You chat.", **{name: 3}))[2])
            assert fields["choices"][0]["finish_reason"] == finish
            assert (fields["usage"]["completion_tokens"] == 3) is (finish == "length")


def test_errors_have_the_real_shape() -> None:
    settings = SimulatorSettings(api_key="made-up", requires_max_completion_tokens=True)
    with start_simulator(settings) as simulator:
        assert post(simulator, asking())[0] == 401
        key = {"Authorization": "Bearer made-up"}
        assert post(simulator, b"{", **key)[0] == 400
        assert post(simulator, {"messages": []}, **key)[0] == 400
        status, _, body = post(simulator, asking(max_tokens=5), **key)
        assert status == 400
        assert json.loads(body)["error"]["code"] == "unsupported_parameter"
        assert post(simulator, asking(max_completion_tokens=50), **key)[0] == 200
        with pytest.raises(urllib.error.HTTPError) as unknown:
            urllib.request.urlopen(f"{simulator.root_url}/v2/chat")
        assert unknown.value.code == 404
        assert "error" in json.load(unknown.value)


EXPECTED = {
    "429": 429,
    "500": 500,
    "503": 503,
    "non_json": 200,
    "empty_choices": 200,
    "error_in_200": 200,
    "null_content": 200,
    "length": 200,
    "content_filter": 200,
    "content_filter_400": 400,
    "context_length_400": 400,
    "prose": 200,
    "fenced": 200,
}


@pytest.mark.parametrize("kind", sorted(EXPECTED))
def test_each_fault_looks_as_it_should(kind: str) -> None:
    with start_simulator(SimulatorSettings(faults={kind: 1.0})) as simulator:
        status, _, body = post(simulator, asking(system='JSON with "reason" and "answer"'))
        assert status == EXPECTED[kind]
        text = body.decode()
        assert simulator.stats()["by_fault"] == {kind: 1}
    checks = {
        "non_json": text.startswith("<html>"),
        "empty_choices": '"choices": []' in text,
        "error_in_200": '"status_code": 500' in text,
        "null_content": '"content":null' in text,
        "length": '"finish_reason":"length"' in text,
        "content_filter": '"finish_reason":"content_filter"' in text,
        "content_filter_400": "content_filter" in text,
        "context_length_400": "context_length_exceeded" in text,
        "fenced": "```json" in text,
    }
    assert checks.get(kind, True)


@pytest.mark.parametrize("kind", ["reset", "truncated_body"])
def test_broken_connections_are_broken(kind: str) -> None:
    with start_simulator(SimulatorSettings(faults={kind: 1.0})) as simulator, pytest.raises((OSError, Exception)) as broken:
        post(simulator, asking())
    assert not isinstance(broken.value, urllib.error.HTTPError)


def test_a_hanging_answer_ends_with_the_server() -> None:
    with start_simulator(SimulatorSettings(faults={"hang": 1.0})) as simulator:
        request = urllib.request.Request(f"{simulator.base_url}/chat/completions", data=json.dumps(asking()).encode())
        with pytest.raises(TimeoutError):
            urllib.request.urlopen(request, timeout=0.3)


def test_same_seed_same_answers_and_faults() -> None:
    settings = SimulatorSettings(faults=mixed_faults(0.5), seed=3)

    def run() -> list[Any]:
        seen: list[Any] = []
        with start_simulator(settings) as simulator:
            for number in range(40):
                try:
                    seen.append(post(simulator, asking(f"What is {number} plus 1?"))[::2])
                except Exception as error:
                    seen.append(type(error).__name__)
        return seen

    assert run() == run()
    assert set(mixed_faults(0.1)) == set(FAULTS) - {"hang"}


def test_a_retry_draws_a_new_transport_fault() -> None:
    with start_simulator(SimulatorSettings(faults={"500": 0.5})) as simulator:
        assert {post(simulator, asking())[0] for _ in range(20)} == {200, 500}
        assert simulator.stats()["repeats"] == simulator.stats()["answered"] - 1


def test_slots_queue_silently_and_the_peak_is_seen() -> None:
    settings = SimulatorSettings(latency=Latency("fixed", mean_ms=50), capacity=Capacity(slots=2))
    with start_simulator(settings) as simulator:
        threads = [threading.Thread(target=post, args=(simulator, asking(str(number)))) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stats = simulator.stats()
    assert stats["answered"] == 6
    assert stats["peak_in_flight"] > 2
    assert stats["busy_s"] >= 0.14


def test_queue_limit_answers_429() -> None:
    # the slot must still be taken when a slow machine comes to its second request
    settings = SimulatorSettings(latency=Latency("fixed", mean_ms=3000), capacity=Capacity(slots=1, queue_limit=0))
    with start_simulator(settings) as simulator:
        first = threading.Thread(target=post, args=(simulator, asking("first")))
        first.start()
        while simulator.stats()["in_flight"] == 0:
            pass
        assert post(simulator, asking("second"))[0] == 429
        first.join()


def test_token_bucket_refills_evenly() -> None:
    bucket = TokenBucket(10, per_s=2.0)
    for _ in range(10):
        bucket.take(0.0, 1)
    assert bucket.wait_s(0.0, 1) == 0.5
    assert bucket.level(2.0) == 4.0
    assert bucket.level(100.0) == 10.0


def test_budget_headers_and_hints() -> None:
    budgets = Budgets(RateLimits(requests_per_minute=60, tokens_per_minute=6000, burst=1, hint="ms", headers=True))
    assert budgets.admit(0.0, 100) == 0.0
    assert budgets.admit(0.0, 100) == 1.0
    reported = budgets.headers(0.0)
    assert (reported["x-ratelimit-remaining-requests"], reported["x-ratelimit-limit-tokens"]) == ("0", "6000")
    assert reported["x-ratelimit-reset-tokens"] == "1s"
    assert budgets.hint(0.05, 0.0) == {"retry-after-ms": "50", "retry-after": "1"}
    assert Budgets(RateLimits(hint="date")).hint(1.0, 0.0)["retry-after"].endswith("GMT")
    assert Budgets(RateLimits(hint="none")).hint(1.0, 0.0) == {}


@pytest.mark.parametrize(("seconds", "text"), [(0.12, "120ms"), (1.5, "1.5s"), (360.0, "6m0s")])
def test_durations_read_as_the_real_ones(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_the_command_says_where_it_listens_and_ends_on_sigterm() -> None:
    process = Popen([sys.executable, "-m", "beam_distill.simulator", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:")
        assert line.endswith("/v1\n")
        with urllib.request.urlopen(line.split()[-1].removesuffix("/v1") + "/health") as response:
            assert response.status == 200
    finally:
        process.terminate()
        assert process.wait(10) == 0


@pytest.mark.parametrize("arguments", [["--fault", "smoke=1"], ["--port", "99999999"]])
def test_the_command_names_a_wrong_flag(arguments: list[str]) -> None:
    ended = run([sys.executable, "-m", "beam_distill.simulator", *arguments], capture_output=True, text=True, timeout=100)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


def test_a_key_may_expire() -> None:
    with start_simulator(SimulatorSettings(key_expires_after_s=0.05)) as simulator:
        assert post(simulator, asking())[0] == 200
        time.sleep(0.06)
        status, _, body = post(simulator, asking())
        assert (status, json.loads(body)["error"]["message"]) == (401, "The key has expired.")
