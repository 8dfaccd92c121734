"""Against llama.cpp's own server with a model of random weights. A grammar makes it give answers of a form; without one it gives noise."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import wait_for
from servers.commands import TASKS, job_of, long_rows, recorded, rows, run, says_no_route, start
from servers.running import LlamaServer
from servers.streaming import asked_both_ways, responses
from servers.tap import Tap

SHORT = "--teacher_model_max_new_tokens=400"
_TEXT = "text ::= [a-z] [a-z ]{4,20} [a-z]\n"
_REASONED = _TEXT + 'root ::= "{\\"reason\\": \\"" text "\\", \\"KEY\\": \\"" value "\\"}"\nvalue ::= '
REASONED = {
    "MATH": _REASONED.replace("KEY", "answer") + "[1-9] [0-9]{0,2}",
    "NLI": _REASONED.replace("KEY", "answer_choice") + '"entailment" | "neutral" | "contradiction"',
    "NLU_QA": _REASONED.replace("KEY", "answer_choice") + "[A-D]",
    "SUMMARIZATION": _TEXT
    + 'round ::= "{\\"Missing_Entities\\": \\"" text "\\", \\"Denser_Summary\\": \\"" text "\\"}"\nroot ::= "[" round "," round "]"',
}
PLAIN = {
    "MATH": "root ::= [1-9] [0-9]{0,2}",
    "NLI": 'root ::= "entailment" | "neutral" | "contradiction"',
    "NLU_QA": "root ::= [A-D]",
    "SUMMARIZATION": _TEXT + "root ::= text",
    "CONVERSATION": _TEXT + "root ::= text",
}


def speaks(grammar: str) -> str:
    return "--extra_body=" + json.dumps({"grammar": grammar})


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """Four slots with room for 4,096 tokens each; a token is a byte."""
    with LlamaServer(tmp_path_factory.mktemp("llama")) as server:
        yield server


@pytest.mark.parametrize("task", TASKS)
def test_every_task_plain(llama: LlamaServer, tmp_path: Path, task: str) -> None:
    ended = run(job_of(tmp_path, llama.url, task, rows(task, 20)), SHORT, speaks(PLAIN[task]))
    assert ended.code == 0, recorded(ended)
    assert len(ended.examples()) == 20, recorded(ended)
    assert all(message["content"] for example in ended.examples() for message in example["messages"])


@pytest.mark.parametrize("task", REASONED)
def test_every_task_with_reasoning(llama: LlamaServer, tmp_path: Path, task: str) -> None:
    flag = "--enable_chain_of_density" if task == "SUMMARIZATION" else "--enable_chain_of_thought"
    ended = run(job_of(tmp_path, llama.url, task, rows(task, 20)), SHORT, speaks(REASONED[task]), f"{flag}=true")
    assert ended.code == 0, recorded(ended)
    assert len(ended.examples()) == 20, recorded(ended)


def test_noise_is_not_an_answer_with_a_required_form(llama: LlamaServer, tmp_path: Path) -> None:
    job = job_of(tmp_path, llama.url, "NLI", rows("NLI", 40))
    ended = run(job, "--teacher_model_max_new_tokens=30", "--teacher_model_temperature=1", "--teacher_model_top_p=1")
    assert ended.code == 3, recorded(ended)
    assert not ended.job.train_output.exists(), recorded(ended)
    assert set(ended.reasons()) <= {"cut_off_by_length", "label_not_listed", "empty_answer"}


@pytest.mark.fault("R3")
def test_rows_longer_than_a_slot_do_not_stop_the_run(llama: LlamaServer, tmp_path: Path) -> None:
    lines = [*long_rows(45, 3000), *rows("SUMMARIZATION", 30)]
    with Tap(llama.port) as tap:
        ended = run(job_of(tmp_path, tap.url, "SUMMARIZATION", lines), SHORT, speaks(PLAIN["SUMMARIZATION"]), "--min_endpoint_success_ratio=0")
        asked = Counter(exchange.question for exchange in tap.exchanges())
    assert ended.code == 0, recorded(ended)
    assert len(ended.examples()) == 30, recorded(ended)
    assert ended.reasons() == {"context_length_exceeded": 45}
    assert set(asked.values()) == {1}


def test_rows_that_are_all_too_long_are_each_refused_once(llama: LlamaServer, tmp_path: Path) -> None:
    """The server would answer a shorter question, so the rows are at fault and not a setting."""
    with Tap(llama.port) as tap:
        ended = run(job_of(tmp_path, tap.url, "SUMMARIZATION", long_rows(60, 3000)), SHORT)
        asked = Counter(exchange.question for exchange in tap.exchanges() if len(exchange.question) > 3000)
    assert ended.code == 3, recorded(ended)
    assert ended.reasons() == {"context_length_exceeded": 60}, recorded(ended)
    assert set(asked.values()) == {1}


@pytest.mark.fault("R8")
def test_an_answer_that_filled_the_context_is_distinguished_from_one_that_reached_the_limit(llama: LlamaServer, tmp_path: Path) -> None:
    endless = speaks("line ::= [a-z]{1000}\nroot ::= line line line line line")
    full = run(job_of(tmp_path / "full", llama.url, "SUMMARIZATION", long_rows(3, 900)), endless, "--teacher_model_max_new_tokens=2000")
    # a model of random weights may say the same again and again
    assert sum(full.reasons().values()) == 3, recorded(full)
    assert full.reasons().keys() <= {"cut_off_by_length", "repeats_itself"}, recorded(full)
    assert not [reject["detail"] for reject in full.job.rejects() if "raise teacher_model_max_new_tokens" in reject["detail"]]
    short = run(job_of(tmp_path / "short", llama.url, "SUMMARIZATION", rows("SUMMARIZATION", 3)), endless, "--teacher_model_max_new_tokens=20")
    assert short.reasons() == {"cut_off_by_length": 3}, recorded(short)
    assert all("raise teacher_model_max_new_tokens" in reject["detail"] for reject in short.job.rejects())


@pytest.mark.fault("R6")
def test_check_finds_a_limit_that_leaves_no_room(llama: LlamaServer, tmp_path: Path) -> None:
    job = job_of(tmp_path, llama.url, "SUMMARIZATION", rows("SUMMARIZATION", 20))
    ended = run(job, "--teacher_model_max_new_tokens=100000", command="check")
    assert "4096" in ended.output, ended.output


@pytest.mark.fault("R11")
def test_a_wrong_route_stops_the_run(llama: LlamaServer, tmp_path: Path) -> None:
    job = job_of(tmp_path, llama.url.replace("/v1", "/api"), "SUMMARIZATION", rows("SUMMARIZATION", 60))
    ended = run(job, SHORT, "--model=tiny")
    assert ended.code == 4, recorded(ended)
    assert "File Not Found" in ended.output, recorded(ended)
    assert says_no_route(ended.output), recorded(ended)
    assert "0 retries" in ended.output or "retries" not in ended.output, ended.output


@pytest.mark.parametrize("address", ["", "/v1", "/v1/", "/v1/chat/completions"])
def test_every_form_of_the_address_leads_to_the_route(llama: LlamaServer, tmp_path: Path, address: str) -> None:
    ended = run(job_of(tmp_path, llama.root + address, "NLI", rows("NLI", 3)), SHORT, speaks(PLAIN["NLI"]))
    assert ended.code == 0, recorded(ended)


def test_a_model_it_does_not_list_is_found_by_check(llama: LlamaServer, tmp_path: Path) -> None:
    """It takes any name in a request, so ``run`` cannot know."""
    ended = run(job_of(tmp_path, llama.url, "NLI", rows("NLI", 3)), "--model=huge", command="check")
    assert ended.code == 2, ended.output
    assert "huge" in ended.output, ended.output
    assert "tiny" in ended.output, ended.output


def test_a_wrong_key_and_no_key(tmp_path: Path) -> None:
    with LlamaServer(tmp_path / "server", key="right-key-1") as server:
        job = job_of(tmp_path, server.url, "NLI", rows("NLI", 3))
        wrong = run(job, "--api_key_env=LLAMA_KEY", environ={"LLAMA_KEY": "wrong-key-1"})
        assert wrong.code == 4, wrong.output
        assert "the key is wrong or expired (status 401" in wrong.output, wrong.output
        none = run(job)
        assert none.code == 4, none.output
        assert "it requires a key, and none is given" in none.output, none.output
        right = run(job, "--api_key_env=LLAMA_KEY", SHORT, speaks(PLAIN["NLI"]), environ={"LLAMA_KEY": "right-key-1"})
        assert right.code == 0, recorded(right)


def test_killed_and_started_again_in_mid_run(tmp_path: Path) -> None:
    slow = speaks("root ::= [a-z]{300}")
    with LlamaServer(tmp_path / "server", slots=4) as server, Tap(server.port) as tap:
        job = job_of(tmp_path, tap.url, "SUMMARIZATION", rows("SUMMARIZATION", 80))
        process = start(job, "--teacher_model_max_new_tokens=400", slow, "--max_worker_count=8", "--initial_worker_count=8")
        wait_for("answers", lambda: len(tap.answered()) >= 20, 120)
        server.kill()
        server.start()
        output, _ = process.communicate(timeout=200)
        assert process.returncode == 0, output
        answered = Counter(exchange.question for exchange in tap.answered())
    assert len(answered) == 80
    assert set(answered.values()) == {1}
    assert "80 rows in = 80 examples + 0 rejects" in output


def test_token_by_token_it_says_the_same(llama: LlamaServer, tmp_path: Path) -> None:
    """A grammar with one way leaves a model of random weights no choice."""
    one_way = speaks('root ::= "the mill by the river, 7 \\"boats\\" and a k\u00e4se \U0001f9c0"')
    streamed, whole = asked_both_ways(tmp_path, llama.url, "SUMMARIZATION", rows("SUMMARIZATION", 12), SHORT, one_way)
    assert streamed.code == whole.code == 0, recorded(streamed)
    assert responses(streamed) == responses(whole)
    assert len(responses(whole)) == 12
    assert streamed.job.datasets() == whole.job.datasets()


def test_a_long_answer_outlives_the_time_of_an_attempt_while_tokens_come(llama: LlamaServer, tmp_path: Path) -> None:
    slow = speaks("root ::= [a-z]{1500}")
    impatient = ("--initial_request_timeout=0.5", "--max_request_timeout=0.5", "--teacher_model_max_new_tokens=3000")
    ended = run(job_of(tmp_path, llama.url, "SUMMARIZATION", rows("SUMMARIZATION", 6)), *impatient, slow)
    assert ended.code == 0, recorded(ended)
    assert ended.metrics["answers_streamed"] == 6, recorded(ended)
    assert ended.metrics.get("requests_failed_timed_out", 0) == 0
