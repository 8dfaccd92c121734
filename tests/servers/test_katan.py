"""Against llm-katan's echo backend: its answers hold the last user message, and it fails in the ways that its flags say."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import wait_for
from servers.commands import TASKS, Ended, job_of, recorded, rows, run, says_no_route, start
from servers.running import Katan
from servers.streaming import asked_both_ways, responses
from servers.tap import Tap

KEY = "sesame-1234567"
ENVIRON = {"KATAN_KEY": KEY}
WITH_KEY = "--api_key_env=KATAN_KEY"


@pytest.fixture(scope="module")
def katan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Katan]:
    with Katan(tmp_path_factory.mktemp("katan")) as server:
        yield server


@pytest.mark.parametrize("task", ["SUMMARIZATION", "CONVERSATION"])
def test_free_text_is_published(katan: Katan, tmp_path: Path, task: str) -> None:
    ended = run(job_of(tmp_path, katan.url, task, rows(task, 10)), WITH_KEY, environ=ENVIRON)
    assert ended.code == 0, recorded(ended)
    assert [example["messages"][-1]["content"].startswith("[echo] model=tiny") for example in ended.examples()] == [True] * 10


@pytest.mark.fault("D13")
@pytest.mark.parametrize(("task", "reason"), [("MATH", "not_a_number"), ("NLI", "label_not_listed"), ("NLU_QA", "several_labels")])
def test_an_echo_is_not_an_answer_with_a_required_form(katan: Katan, tmp_path: Path, task: str, reason: str) -> None:
    ended = run(job_of(tmp_path, katan.url, task, rows(task, 10)), WITH_KEY, environ=ENVIRON)
    assert ended.code == 3, recorded(ended)
    assert ended.reasons() == {reason: 10}, recorded(ended)
    assert not ended.job.train_output.exists()


@pytest.mark.parametrize("task", [task for task in TASKS if task != "CONVERSATION"])
def test_an_echo_has_no_reasoning(katan: Katan, tmp_path: Path, task: str) -> None:
    flag = "--enable_chain_of_density" if task == "SUMMARIZATION" else "--enable_chain_of_thought"
    ended = run(job_of(tmp_path, katan.url, task, rows(task, 10)), WITH_KEY, f"{flag}=true", environ=ENVIRON)
    assert ended.code == 3, recorded(ended)
    assert ended.reasons() == {"no_json": 10}, recorded(ended)


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_wrong_key_is_reported_and_not_shown(tmp_path: Path, command: str) -> None:
    """Its refusal quotes the key that it was given."""
    with Katan(tmp_path / "server", flags=("--validate-keys", "--api-keys", "openai=another-key")) as server:
        job = job_of(tmp_path, server.url, "SUMMARIZATION", rows("SUMMARIZATION", 10))
        wrong = run(job, WITH_KEY, command=command, environ=ENVIRON)
        assert wrong.code == 4, wrong.output
        assert "the key is wrong or expired (status 401" in wrong.output, wrong.output
        assert "invalid API key for openai: got '" in wrong.output
        assert KEY not in wrong.output
        none = run(job, command=command)
        assert none.code == 4, none.output
        assert "it requires a key, and none is given" in none.output, none.output


@pytest.mark.fault("R11")
def test_a_wrong_route_stops_the_run(katan: Katan, tmp_path: Path) -> None:
    with Tap(katan.port) as tap:
        job = job_of(tmp_path, tap.url.replace("/v1", "/api"), "SUMMARIZATION", rows("SUMMARIZATION", 60))
        ended = run(job, WITH_KEY, "--model=tiny", environ=ENVIRON)
        statuses = Counter(exchange.status for exchange in tap.exchanges())
    assert ended.code == 4, recorded(ended)
    assert says_no_route(ended.output), recorded(ended)
    assert set(statuses) <= {404}
    assert statuses[404] <= 10
    assert "0 retries" in ended.output or "retries" not in ended.output, ended.output


@pytest.mark.fault("R6")
def test_check_finds_a_wrong_route(katan: Katan, tmp_path: Path) -> None:
    job = job_of(tmp_path, katan.url.replace("/v1", "/api"), "SUMMARIZATION", rows("SUMMARIZATION", 10))
    ended = run(job, WITH_KEY, command="check", environ=ENVIRON)
    assert ended.code == 4, ended.output
    assert "404" in ended.output, ended.output


def test_errors_among_answers_cost_no_row(tmp_path: Path) -> None:
    with Katan(tmp_path / "server", flags=("--error-rate", "0.2")) as server:
        job = job_of(tmp_path, server.url, "SUMMARIZATION", rows("SUMMARIZATION", 100))
        ended = run(job, WITH_KEY, "--first_answer_patience=15", environ=ENVIRON)
    assert ended.code == 0, recorded(ended)
    assert len(ended.examples()) == 100, recorded(ended)


@pytest.mark.fault("R10")
def test_an_overloaded_server_is_sent_less(tmp_path: Path) -> None:
    with Katan(tmp_path / "server", flags=("--max-inflight", "6", "--latency-ms", "200")) as server, Tap(server.port) as tap:
        ended = run(job_of(tmp_path, tap.url, "SUMMARIZATION", rows("SUMMARIZATION", 200)), WITH_KEY, environ=ENVIRON)
        statuses = Counter(exchange.status for exchange in tap.exchanges())
    assert ended.code == 0, recorded(ended)
    assert len(ended.examples()) == 200, recorded(ended)
    assert statuses[503] < 200, (statuses, ended.output)
    assert ended.output.count("does not answer") <= 3, (statuses, ended.output)


@pytest.mark.fault("R4")
def test_nothing_but_429_after_some_answers_ends_the_run(tmp_path: Path) -> None:
    with Katan(tmp_path / "server", flags=("--rate-limit-after", "20")) as server:
        job = job_of(tmp_path, server.url, "SUMMARIZATION", rows("SUMMARIZATION", 60))
        ended = run(job, WITH_KEY, "--outage_patience=15", environ=ENVIRON, timeout_s=90)
    assert ended.code == 4, recorded(ended)
    assert "rate limit exceeded" in ended.output, recorded(ended)
    assert ended.reasons() == {"not_sent": 40}


@pytest.mark.fault("R12", "D20")
def test_nothing_but_504_after_some_answers_ends_the_run_and_a_rerun_asks_the_rest(tmp_path: Path) -> None:
    lines = rows("SUMMARIZATION", 60)
    with Katan(tmp_path / "bad", flags=("--timeout-after", "20")) as server:
        job = job_of(tmp_path, server.url, "SUMMARIZATION", lines)
        ended = run(job, WITH_KEY, "--outage_patience=5", environ=ENVIRON, timeout_s=90)
        assert ended.code == 4, recorded(ended)
        assert "upstream request timeout" in ended.output, recorded(ended)
    with Katan(tmp_path / "good") as server, Tap(server.port) as tap:
        job.url = tap.url
        ended = run(job, WITH_KEY, environ=ENVIRON)
        assert ended.code == 0, recorded(ended)
        assert len(ended.examples()) == 60, recorded(ended)
        assert len(tap.exchanges()) == 40


def test_killed_and_started_again_in_mid_run(tmp_path: Path) -> None:
    with Katan(tmp_path / "server", flags=("--latency-ms", "200")) as server, Tap(server.port) as tap:
        job = job_of(tmp_path, tap.url, "CONVERSATION", rows("CONVERSATION", 100))
        process = start(job, WITH_KEY, "--max_worker_count=10", "--initial_worker_count=10", environ=ENVIRON)
        wait_for("answers", lambda: len(tap.answered()) >= 50, 60)
        server.kill()
        server.start()
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
        answered = Counter(exchange.question for exchange in tap.answered())
    assert len(answered) == 200
    assert set(answered.values()) == {1}
    assert "100 rows in = 100 examples + 0 rejects" in output


def test_token_by_token_it_says_the_same(katan: Katan, tmp_path: Path) -> None:
    lines = rows("SUMMARIZATION", 12)
    streamed, whole = asked_both_ways(tmp_path, katan.url, "SUMMARIZATION", lines, WITH_KEY, environ=ENVIRON)
    assert streamed.code == whole.code == 0, recorded(streamed)

    def said(ended: Ended) -> dict[int, str]:
        contents = {line: fields["choices"][0]["message"]["content"] for line, fields in responses(ended).items()}
        return {line: re.sub(r"time=\S+", "", content) for line, content in contents.items()}

    assert said(streamed) == said(whole)
    assert len(said(whole)) == 12
