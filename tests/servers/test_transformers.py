"""Against ``transformers serve`` with a model of random weights: its answers are noise, which ends by itself or is cut off by the limit."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import wait_for
from servers.commands import TASKS, job_of, recorded, rows, run, says_no_route, start
from servers.installed import TRANSFORMERS
from servers.running import TransformersServe
from servers.streaming import asked_both_ways, responses
from servers.tap import Tap

# it knows a model by the folder that it was started with
MODEL = f"--model={TRANSFORMERS.model}"
FEW = ("--max_worker_count=4", "--teacher_model_max_new_tokens=16", "--min_endpoint_success_ratio=0")


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TransformersServe]:
    with TransformersServe(tmp_path_factory.mktemp("transformers")) as server:
        yield server


@pytest.mark.parametrize("task", TASKS)
def test_every_task_plain(serve: TransformersServe, tmp_path: Path, task: str) -> None:
    ended = run(job_of(tmp_path, serve.url, task, rows(task, 10)), *FEW, MODEL, timeout_s=200)
    assert ended.code == 0, recorded(ended)
    assert len(ended.examples()) + sum(ended.reasons().values()) == 10
    noise = {"cut_off_by_length", "empty_answer", "special_tokens"}
    form = {"MATH": {"not_a_number"}, "NLI": {"label_not_listed"}, "NLU_QA": {"label_not_listed", "several_labels"}}.get(task, set())
    assert set(ended.reasons()) <= noise | form, recorded(ended)


@pytest.mark.parametrize("task", [task for task in TASKS if task != "CONVERSATION"])
def test_noise_has_no_reasoning(serve: TransformersServe, tmp_path: Path, task: str) -> None:
    flag = "--enable_chain_of_density" if task == "SUMMARIZATION" else "--enable_chain_of_thought"
    ended = run(job_of(tmp_path, serve.url, task, rows(task, 10)), *FEW, MODEL, f"{flag}=true", timeout_s=200)
    assert ended.code == 0, recorded(ended)
    assert ended.examples() == [], recorded(ended)
    assert set(ended.reasons()) <= {"cut_off_by_length", "empty_answer", "no_json", "special_tokens"}


def test_a_model_it_does_not_serve(serve: TransformersServe, tmp_path: Path) -> None:
    ended = run(job_of(tmp_path, serve.url, "SUMMARIZATION", rows("SUMMARIZATION", 40)), "--model=nobody", timeout_s=200)
    assert ended.code == 4, recorded(ended)
    assert "Server is pinned to" in ended.output, recorded(ended)
    assert "nobody" in ended.output, recorded(ended)
    assert ended.reasons() == {"not_sent": 40} or set(ended.reasons()) == {"not_sent", "bad_request"}


def test_a_field_it_does_not_know(serve: TransformersServe, tmp_path: Path) -> None:
    job = job_of(tmp_path, serve.url, "SUMMARIZATION", rows("SUMMARIZATION", 40))
    ended = run(job, *FEW, MODEL, '--extra_body={"best_of_all": 3}', timeout_s=200)
    assert ended.code == 4, recorded(ended)
    assert "best_of_all" in ended.output, recorded(ended)


def test_a_wrong_route_stops_the_run(serve: TransformersServe, tmp_path: Path) -> None:
    job = job_of(tmp_path, serve.url.replace("/v1", "/api"), "SUMMARIZATION", rows("SUMMARIZATION", 40))
    ended = run(job, *FEW, MODEL)
    assert ended.code == 4, recorded(ended)
    assert says_no_route(ended.output), recorded(ended)


def test_killed_and_started_again_in_mid_run(tmp_path: Path) -> None:
    with TransformersServe(tmp_path / "server") as server, Tap(server.port) as tap:
        job = job_of(tmp_path, tap.url, "SUMMARIZATION", rows("SUMMARIZATION", 80))
        process = start(job, *FEW, MODEL, "--teacher_model_max_new_tokens=64")
        wait_for("answers", lambda: len(tap.answered()) >= 20, 120)
        server.kill()
        server.start()
        output, _ = process.communicate(timeout=250)
        assert process.returncode == 0, output
        answered = Counter(exchange.question for exchange in tap.answered())
    assert len(answered) == 80
    assert set(answered.values()) == {1}
    assert len(job.rejects()) + len(job.train_output.read_text().splitlines()) == 80


def test_token_by_token_it_says_the_same(serve: TransformersServe, tmp_path: Path) -> None:
    """At temperature 0 its noise is the same every time."""
    certain = (*FEW, MODEL, "--teacher_model_temperature=0", "--teacher_model_top_p=1")
    streamed, whole = asked_both_ways(tmp_path, serve.url, "SUMMARIZATION", rows("SUMMARIZATION", 6), *certain, timeout_s=200)
    assert streamed.code == whole.code == 0, recorded(streamed)
    assert {line: fields["usage"] for line, fields in responses(streamed).items()} == {
        line: fields["usage"] for line, fields in responses(whole).items()
    }
    assert streamed.job.datasets() == whole.job.datasets()
