"""Against a LiteLLM proxy: its own mock answers, and the other servers here behind it."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from processes import wait_for
from servers.commands import TASKS, job_of, long_rows, recorded, rows, run, says_no_route, start
from servers.installed import AIMOCK, KATAN, LLAMACPP
from servers.running import Aimock, Katan, LiteLlm, LlamaServer
from servers.streaming import asked_both_ways
from servers.tap import Tap

KEY = "sk-master-1234"
ENVIRON = {"LITELLM_KEY": KEY}
WITH_KEY = "--api_key_env=LITELLM_KEY"
QUOTA = "You exceeded your current quota, please check your plan and billing details."
PLAIN = {"MATH": "42", "NLI": "entailment", "NLU_QA": "B", "SUMMARIZATION": "A mill becomes a library.", "CONVERSATION": "By the mill."}
REASONED: dict[str, Any] = {
    "MATH": {"reason": "Adding gives it.", "answer": "42"},
    "NLI": {"reason": "Boats are boats.", "answer_choice": "entailment"},
    "NLU_QA": {"reason": "Red is one.", "answer_choice": "B"},
    "SUMMARIZATION": [
        {"Missing_Entities": "mill", "Denser_Summary": "Something opens."},
        {"Missing_Entities": "library", "Denser_Summary": "A mill becomes a library."},
    ],
}


def says(name: str, text: str, model: str = "gpt-4o") -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": f"openai/{model}", "api_key": "none", "mock_response": text}}


def leads_to(name: str, url: str, model: str = "tiny", api_key: str = "none") -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": f"openai/{model}", "api_key": api_key, "api_base": url}}


@pytest.fixture(scope="module")
def litellm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiteLlm]:
    folder = tmp_path_factory.mktemp("litellm")
    models = [
        *(says(task, text) for task, text in PLAIN.items()),
        *(says(f"{task}-reasoned", json.dumps(text)) for task, text in REASONED.items()),
        says("reasoner", "A mill becomes a library.", "o3-mini"),
        says("limited", "litellm.RateLimitError"),
        leads_to("dead", "http://127.0.0.1:9/v1"),
    ]
    with ExitStack() as stack:
        if LLAMACPP.folder.exists():
            models.append(leads_to("llama", stack.enter_context(LlamaServer(folder / "llama")).url))
        if AIMOCK.folder.exists():
            spent = {"message": QUOTA, "type": "insufficient_quota", "code": "insufficient_quota"}
            mock = Aimock(folder / "aimock", fixtures=[{"match": {}, "response": {"error": spent, "status": 429}}])
            models.append(leads_to("spent", stack.enter_context(mock).url))
        yield stack.enter_context(LiteLlm(folder / "proxy", models=models, general={"master_key": KEY}))


def need(server: Any) -> None:
    if not server.folder.exists():
        pytest.skip(f"{server.name} is not installed, which this test puts behind the proxy")


@pytest.mark.parametrize("task", TASKS)
def test_every_task_plain(litellm: LiteLlm, tmp_path: Path, task: str) -> None:
    ended = run(job_of(tmp_path, litellm.url, task, rows(task, 10)), WITH_KEY, f"--model={task}", environ=ENVIRON)
    assert ended.code == 0, recorded(ended)
    assert [example["messages"][-1]["content"] for example in ended.examples()] == [PLAIN[task]] * 10


@pytest.mark.parametrize("task", REASONED)
def test_every_task_with_reasoning(litellm: LiteLlm, tmp_path: Path, task: str) -> None:
    flag = "--enable_chain_of_density" if task == "SUMMARIZATION" else "--enable_chain_of_thought"
    job = job_of(tmp_path, litellm.url, task, rows(task, 10))
    ended = run(job, WITH_KEY, f"--model={task}-reasoned", f"{flag}=true", environ=ENVIRON)
    assert ended.code == 0, recorded(ended)
    assert [example["messages"][-1]["content"] for example in ended.examples()] == [PLAIN[task]] * 10


@pytest.mark.fault("R5", "D10")
def test_a_parameter_that_the_model_refuses_is_learned_once(litellm: LiteLlm, tmp_path: Path) -> None:
    """Without drop_params the proxy refuses top_p, and then temperature, for OpenAI's reasoning models."""
    with Tap(litellm.port) as tap:
        job = job_of(tmp_path, tap.url, "SUMMARIZATION", rows("SUMMARIZATION", 100))
        ended = run(job, WITH_KEY, "--model=reasoner", "--initial_worker_count=4", "--max_worker_count=4", environ=ENVIRON)
        exchanges = tap.exchanges()
    assert ended.code == 0, recorded(ended)
    assert len(ended.examples()) == 100, recorded(ended)
    refused = [exchange for exchange in exchanges if exchange.status == 400]
    # the requests in flight, once for each of the two
    assert 2 <= len(refused) <= 8
    assert "the teacher refuses temperature, top_p" in ended.output, ended.output


@pytest.mark.fault("R3")
def test_rows_too_long_for_the_server_behind_it_do_not_stop_the_run(litellm: LiteLlm, tmp_path: Path) -> None:
    need(LLAMACPP)
    lines = [*long_rows(40, 3000), *rows("SUMMARIZATION", 10)]
    grammar = "--extra_body=" + json.dumps({"grammar": "root ::= [a-z]{5,20}"})
    job = job_of(tmp_path, litellm.url, "SUMMARIZATION", lines)
    ended = run(job, WITH_KEY, "--model=llama", grammar, "--min_endpoint_success_ratio=0", environ=ENVIRON)
    assert ended.code == 0, recorded(ended)
    assert ended.reasons() == {"context_length_exceeded": 40}, recorded(ended)
    assert len(ended.examples()) == 10


@pytest.mark.fault("R4", "D9")
def test_a_spent_quota_behind_it_stops_the_run(litellm: LiteLlm, tmp_path: Path) -> None:
    need(AIMOCK)
    with Tap(litellm.port) as tap:
        job = job_of(tmp_path, tap.url, "SUMMARIZATION", rows("SUMMARIZATION", 60))
        ended = run(job, WITH_KEY, "--model=spent", environ=ENVIRON, timeout_s=90)
        asked = len(tap.exchanges())
    assert ended.code == 4, recorded(ended)
    assert QUOTA in ended.output, recorded(ended)
    assert ended.reasons() == {"not_sent": 60}
    assert asked <= 50


@pytest.mark.fault("R4")
def test_nothing_but_429_ends_the_run(litellm: LiteLlm, tmp_path: Path) -> None:
    job = job_of(tmp_path, litellm.url, "SUMMARIZATION", rows("SUMMARIZATION", 60))
    ended = run(job, WITH_KEY, "--model=limited", "--outage_patience=15", environ=ENVIRON, timeout_s=90)
    assert ended.code == 4, recorded(ended)
    assert "this is a mock rate limit error" in ended.output, recorded(ended)


@pytest.mark.fault("R12")
def test_a_dead_server_behind_a_gateway_ends_the_run_with_its_message(litellm: LiteLlm, tmp_path: Path) -> None:
    job = job_of(tmp_path, litellm.url, "SUMMARIZATION", rows("SUMMARIZATION", 60))
    ended = run(job, WITH_KEY, "--model=dead", "--outage_patience=5", environ=ENVIRON, timeout_s=90)
    assert ended.code == 4, recorded(ended)
    assert "Connection error" in ended.output, recorded(ended)
    assert ended.reasons() == {"not_sent": 60}


@pytest.mark.fault("R6")
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_wrong_key_and_no_key(litellm: LiteLlm, tmp_path: Path, command: str) -> None:
    """Without a database it says of a key that it does not know: No connected db., with status 400."""
    job = job_of(tmp_path, litellm.url, "SUMMARIZATION", rows("SUMMARIZATION", 10))
    wrong = run(job, WITH_KEY, "--model=SUMMARIZATION", command=command, environ={"LITELLM_KEY": "sk-wrong-1234"})
    assert wrong.code == 4, wrong.output
    assert "No connected db." in wrong.output, wrong.output
    assert "the key is wrong or expired" in wrong.output, wrong.output
    none = run(job, "--model=SUMMARIZATION", command=command)
    # a run with a given model and no key sends nothing before the first row
    words = "it requires a key, and none is given" if command == "check" else "The credential is missing, wrong or expired"
    assert none.code == 4, none.output
    assert "No api key passed in." in none.output, none.output
    assert words in none.output, none.output


def test_a_wrong_route_stops_the_run(litellm: LiteLlm, tmp_path: Path) -> None:
    job = job_of(tmp_path, litellm.url.replace("/v1", "/api"), "SUMMARIZATION", rows("SUMMARIZATION", 60))
    ended = run(job, WITH_KEY, "--model=SUMMARIZATION", environ=ENVIRON)
    assert ended.code == 4, recorded(ended)
    assert says_no_route(ended.output), recorded(ended)


def test_a_model_it_does_not_have(litellm: LiteLlm, tmp_path: Path) -> None:
    job = job_of(tmp_path, litellm.url, "SUMMARIZATION", rows("SUMMARIZATION", 60))
    ended = run(job, WITH_KEY, "--model=nobody", environ=ENVIRON)
    assert ended.code == 4, recorded(ended)
    assert "Invalid model name passed in model=nobody" in ended.output, recorded(ended)
    check = run(job, WITH_KEY, "--model=nobody", command="check", environ=ENVIRON)
    assert check.code == 2, check.output
    assert "nobody" in check.output, check.output


def test_several_models_need_a_choice(litellm: LiteLlm, tmp_path: Path) -> None:
    job = job_of(tmp_path, litellm.url, "SUMMARIZATION", rows("SUMMARIZATION", 10))
    ended = run(job, WITH_KEY, command="check", environ=ENVIRON)
    assert ended.code == 2, ended.output
    assert "--model" in ended.output, ended.output


def test_killed_and_started_again_in_mid_run(tmp_path: Path) -> None:
    need(KATAN)
    with ExitStack() as stack:
        katan = stack.enter_context(Katan(tmp_path / "katan", flags=("--latency-ms", "200")))
        proxy = stack.enter_context(LiteLlm(tmp_path / "proxy", models=[leads_to("echo", katan.url)]))
        tap = stack.enter_context(Tap(proxy.port))
        job = job_of(tmp_path, tap.url, "SUMMARIZATION", rows("SUMMARIZATION", 200))
        process = start(job, "--max_worker_count=10", "--initial_worker_count=10")
        wait_for("answers", lambda: len(tap.answered()) >= 50, 60)
        proxy.kill()
        proxy.start()
        output, _ = process.communicate(timeout=200)
        assert process.returncode == 0, output
        answered = Counter(exchange.question for exchange in tap.answered())
    assert len(answered) == 200
    assert set(answered.values()) == {1}
    assert "200 rows in = 200 examples + 0 rejects" in output


def test_token_by_token_it_says_the_same(litellm: LiteLlm, tmp_path: Path) -> None:
    lines = rows("SUMMARIZATION", 12)
    streamed, whole = asked_both_ways(tmp_path, litellm.url, "SUMMARIZATION", lines, WITH_KEY, "--model=SUMMARIZATION", environ=ENVIRON)
    assert streamed.code == whole.code == 0, recorded(streamed)
    assert streamed.job.datasets() == whole.job.datasets()
