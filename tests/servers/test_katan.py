"""Against llm-katan's echo backend, whose answers hold the last user message."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.commands import job_of, recorded, rows, run
from servers.running import Katan


@pytest.fixture(scope="module")
def katan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Katan]:
    with Katan(tmp_path_factory.mktemp("katan")) as server:
        yield server


KEY = {"KATAN_KEY": "sesame"}
WITH_KEY = "--api_key_env=KATAN_KEY"


@pytest.mark.parametrize("task", ["SUMMARIZATION", "CONVERSATION"])
def test_plain_answers_are_published(katan: Katan, tmp_path: Path, task: str) -> None:
    ended = run(job_of(tmp_path, katan.url, task, rows(task, 10)), WITH_KEY, environ=KEY)
    assert ended.code == 0, recorded(ended)
    assert [example["messages"][-1]["content"].startswith("[echo] model=tiny") for example in ended.examples()] == [True] * 10
