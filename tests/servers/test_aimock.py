"""Against aimock, the mock server of npm: it answers by fixtures, with its own copies of OpenAI's and OpenRouter's envelopes."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import wait_for
from servers.commands import TASKS, job_of, recorded, row_about, rows, run, start
from servers.running import Aimock
from servers.tap import Tap

MODEL = "teacher-1"
SUMMARY = "A mill becomes a library."
DENSE = [{"Missing_Entities": "mill", "Denser_Summary": "Something opens."}, {"Missing_Entities": "library", "Denser_Summary": SUMMARY}]
QUOTA = "You exceeded your current quota, please check your plan and billing details."


def answers(to: str, model: str = MODEL, **response: Any) -> dict[str, Any]:
    return {"match": {"userMessage": to, "model": model}, "response": response}


def error(to: str, status: int, message: str, **fields: Any) -> dict[str, Any]:
    return {"match": {"userMessage": to}, "response": {"error": {"message": message, **fields}, "status": status}}


def asked_to_reason(to: str, content: Any) -> dict[str, Any]:
    return {"match": {"userMessage": to, "systemMessage": '"reason"'}, "response": {"content": content}}


FIXTURES = [
    asked_to_reason("plus 3", {"reason": "Adding gives it.", "answer": "42"}),
    asked_to_reason("Premise", {"reason": "Boats are boats.", "answer_choice": "Entailment"}),
    asked_to_reason("a colour", {"reason": "Red is one.", "answer_choice": "B"}),
    {"match": {"userMessage": "the mill", "systemMessage": "Denser_Summary"}, "response": {"content": DENSE}},
    answers("plus 3", content="42"),
    answers("Premise", content="Entailment."),
    answers("a colour", content="(B)"),
    answers("the mill", content=SUMMARY),
    answers("Where is the library", content="By the old mill."),
    answers("when is it open", content="From nine."),
    answers("ends by length", content="A mill becomes", finishReason="length"),
    answers("ends by filter", content="", finishReason="content_filter"),
    answers("ends by abort", content="A mill becomes", finishReason="abort"),
    answers("ends by repetition", content="A mill a mill a mill", finishReason="repetition"),
    answers("ends oddly", content="A mill becomes", finishReason="solar_flare"),
    answers("says nothing", content=""),
    answers("calls a tool", toolCalls=[{"name": "get_weather", "arguments": {"city": "Holm"}}]),
    answers("thinks", content=SUMMARY, reasoning="The mill matters most."),
    error("is long", 400, "This model's maximum context length is 8192 tokens.", type="invalid_request_error", code="context_length_exceeded"),
    error("flagged", 400, "Your request was rejected by our safety system.", type="invalid_request_error", code="content_policy_violation"),
    error("spent", 429, QUOTA, type="insufficient_quota", code="insufficient_quota"),
]
ANYTHING_ELSE = {"match": {"model": MODEL}, "response": {"content": "Yes."}}


@pytest.fixture(scope="module")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    with Aimock(tmp_path_factory.mktemp("aimock"), fixtures=[*FIXTURES, ANYTHING_ELSE]) as server:
        yield server


@pytest.mark.parametrize("task", TASKS)
def test_every_task_plain(aimock: Aimock, tmp_path: Path, task: str) -> None:
    ended = run(job_of(tmp_path, aimock.url, task, rows(task, 10)))
    assert ended.code == 0, recorded(ended)
    expected = {"MATH": "42", "NLI": "entailment", "NLU_QA": "B", "SUMMARIZATION": SUMMARY, "CONVERSATION": "From nine."}[task]
    assert [example["messages"][-1]["content"] for example in ended.examples()] == [expected] * 10
    if task == "CONVERSATION":
        assert ended.examples()[0]["messages"][2]["content"] == "By the old mill."
        assert ended.metrics["requests_answered"] == 20


@pytest.mark.parametrize(("task", "expected"), [("MATH", "42"), ("NLI", "entailment"), ("NLU_QA", "B"), ("SUMMARIZATION", SUMMARY)])
def test_every_task_with_reasoning(aimock: Aimock, tmp_path: Path, task: str, expected: str) -> None:
    flag = "--enable_chain_of_density" if task == "SUMMARIZATION" else "--enable_chain_of_thought"
    ended = run(job_of(tmp_path, aimock.url, task, rows(task, 10)), f"{flag}=true")
    assert ended.code == 0, recorded(ended)
    assert [example["messages"][-1]["content"] for example in ended.examples()] == [expected] * 10


@pytest.mark.fault("R2", "D1", "A9")
def test_only_whole_answers_are_published(aimock: Aimock, tmp_path: Path) -> None:
    odd = ["ends by length", "ends by filter", "ends by abort", "ends by repetition", "ends oddly", "says nothing", "calls a tool", "thinks"]
    job = job_of(tmp_path, aimock.url, "SUMMARIZATION", [*map(row_about, odd), *rows("SUMMARIZATION", 10)])
    ended = run(job, "--min_endpoint_success_ratio=0.5")
    assert ended.code == 0, recorded(ended)
    assert [example["messages"][-1]["content"] for example in ended.examples()] == [SUMMARY] * 11
    assert ended.reasons() == {
        "cut_off_by_length": 1,
        "content_filtered": 1,
        "broken_off": 1,
        "repeats_itself": 1,
        "unknown_finish_reason": 1,
        "empty_answer": 1,
        "wants_tool": 1,
    }
    assert [reject["detail"] for reject in ended.job.rejects() if "solar_flare" in reject["detail"]]


@pytest.mark.fault("R3", "D16")
def test_rows_refused_for_themselves_do_not_stop_the_run(aimock: Aimock, tmp_path: Path) -> None:
    refused = [row_about(f"Article {number} is {kind}.") for number in range(20) for kind in ("long", "flagged")]
    job = job_of(tmp_path, aimock.url, "SUMMARIZATION", [*refused, *rows("SUMMARIZATION", 30)])
    with Tap(aimock.port) as tap:
        job.url = tap.url
        ended = run(job, "--min_endpoint_success_ratio=0")
        asked = Counter(exchange.question for exchange in tap.exchanges())
    assert ended.code == 0, recorded(ended)
    assert ended.reasons() == {"context_length_exceeded": 20, "content_filtered": 20}
    assert len(ended.examples()) == 30
    assert set(asked.values()) == {1}


@pytest.mark.fault("R4", "D9")
def test_a_spent_quota_stops_the_run_with_the_servers_words(aimock: Aimock, tmp_path: Path) -> None:
    lines = rows("SUMMARIZATION", 60)
    job = job_of(tmp_path, aimock.url, "SUMMARIZATION", [*lines[:20], *(row_about(f"Article {n}: spent.") for n in range(40))])
    with Tap(aimock.port) as tap:
        job.url = tap.url
        ended = run(job, "--max_worker_count=5", "--initial_worker_count=5", timeout_s=60)
        assert ended.code == 4, recorded(ended)
        assert QUOTA in ended.output, recorded(ended)
        assert len([exchange for exchange in tap.exchanges() if exchange.status == 429]) <= 10
        # the quota is full again, and answered rows are not sent again
        job.train(lines)
        ended = run(job)
        assert ended.code == 0, recorded(ended)
        answered = Counter(exchange.question for exchange in tap.answered())
    assert len(answered) == 60
    assert set(answered.values()) == {1}


@pytest.mark.fault("D3", "R9")
def test_openrouters_errors_inside_its_envelope(aimock: Aimock, tmp_path: Path) -> None:
    """On ``/api/v1`` the code of an error is the number of its status, and nothing else names the kind."""
    job = job_of(tmp_path, aimock.url.replace("/v1", "/api/v1"), "SUMMARIZATION", [row_about("Article 0 is long."), *rows("SUMMARIZATION", 10)])
    ended = run(job)
    assert ended.code == 0, recorded(ended)
    assert ended.reasons() == {"context_length_exceeded": 1}
    assert len(ended.examples()) == 10


def test_an_unknown_model_stops_the_run(aimock: Aimock, tmp_path: Path) -> None:
    ended = run(job_of(tmp_path, aimock.url, "SUMMARIZATION", rows("SUMMARIZATION", 60)), "--model=teacher-2")
    assert ended.code == 4, recorded(ended)
    assert "No fixture matched" in ended.output, recorded(ended)
    assert "no such model" in ended.output, recorded(ended)
    assert ended.reasons() == {"not_sent": 60}


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_wrong_key_and_no_key(tmp_path: Path, command: str) -> None:
    with Aimock(tmp_path / "server", fixtures=FIXTURES, key="right-key-1") as server:
        job = job_of(tmp_path, server.url, "SUMMARIZATION", rows("SUMMARIZATION", 10))
        wrong = run(job, "--api_key_env=AIMOCK_KEY", command=command, environ={"AIMOCK_KEY": "wrong-key-1"})
        assert wrong.code == 4, wrong.output
        assert "the key is wrong or expired (status 401" in wrong.output, wrong.output
        none = run(job, command=command)
        assert none.code == 4, none.output
        assert "it requires a key, and none is given" in none.output, none.output
        right = run(job, "--api_key_env=AIMOCK_KEY", command=command, environ={"AIMOCK_KEY": "right-key-1"})
        assert right.code == 0, right.output
        assert "key-1" not in wrong.output + right.output


def test_broken_bodies_lost_connections_and_errors_cost_no_row(tmp_path: Path) -> None:
    flags = ("--chaos-drop", "0.1", "--chaos-malformed", "0.1", "--chaos-disconnect", "0.1")
    with Aimock(tmp_path / "server", fixtures=FIXTURES, flags=flags) as server, Tap(server.port) as tap:
        ended = run(job_of(tmp_path, tap.url, "SUMMARIZATION", rows("SUMMARIZATION", 100)), f"--model={MODEL}", "--first_answer_patience=15")
        statuses = Counter(exchange.status for exchange in tap.exchanges())
    assert ended.code == 0, recorded(ended)
    assert len(ended.examples()) == 100
    assert min(statuses[0], statuses[500]) > 0
    assert statuses[200] > 100


@pytest.mark.fault("R4")
def test_nothing_but_429_ends_the_run(tmp_path: Path) -> None:
    with Aimock(tmp_path / "server", fixtures=FIXTURES, flags=("--chaos-ratelimit", "1")) as server:
        job = job_of(tmp_path, server.url, "SUMMARIZATION", rows("SUMMARIZATION", 60))
        ended = run(job, f"--model={MODEL}", "--outage_patience=20", timeout_s=90)
    assert ended.code == 4, recorded(ended)
    assert "429" in ended.output, recorded(ended)
    assert ended.reasons() == {"not_sent": 60}


@pytest.mark.parametrize("further", [[], [ANYTHING_ELSE]], ids=["rows alone", "anything"])
def test_killed_and_started_again_in_mid_run(tmp_path: Path, further: list[dict[str, Any]]) -> None:
    """A server that knows only the rows' questions gets one of them again, to find out whether it is back."""
    with Aimock(tmp_path / "server", fixtures=FIXTURES + further, flags=("--chaos-latency", "300")) as server, Tap(server.port) as tap:
        job = job_of(tmp_path, tap.url, "SUMMARIZATION", rows("SUMMARIZATION", 150))
        process = start(job, "--max_worker_count=10", "--initial_worker_count=10")
        wait_for("answers", lambda: len(tap.answered()) >= 40, 60)
        server.kill()
        server.start()
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
        answered = Counter(exchange.question for exchange in tap.answered())
    assert "150 rows in = 150 examples + 0 rejects" in output
    assert len(answered) == 150
    assert len([question for question, times in answered.items() if times > 1]) <= (0 if further else 1)
