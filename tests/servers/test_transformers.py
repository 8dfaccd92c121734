"""Against ``transformers serve`` with a model of random weights: its answers are noise that the limit cuts off, or that ends by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.commands import TASKS, job_of, recorded, rows, run
from servers.installed import TRANSFORMERS
from servers.running import TransformersServe

FEW = ("--max_worker_count=4", "--teacher_model_max_new_tokens=16")


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TransformersServe]:
    with TransformersServe(tmp_path_factory.mktemp("transformers")) as server:
        yield server


MODEL = f"--model={TRANSFORMERS.model}"


@pytest.mark.parametrize("task", TASKS)
def test_every_task_plain(serve: TransformersServe, tmp_path: Path, task: str) -> None:
    ended = run(job_of(tmp_path, serve.url, task, rows(task, 5)), *FEW, MODEL, "--min_endpoint_success_ratio=0", timeout_s=200)
    assert ended.code == 0, recorded(ended)
    assert len(ended.examples()) + sum(ended.reasons().values()) == 5
    allowed = {"cut_off_by_length", "empty_answer", "not_a_number", "label_not_listed", "special_tokens"}
    assert set(ended.reasons()) <= allowed and ended.reasons()["cut_off_by_length"] > 0
