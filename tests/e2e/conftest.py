"""A job in its own folder."""

from pathlib import Path

import pytest
from builders import questions
from jobs import Job


@pytest.fixture
def job(tmp_path: Path) -> Job:
    made = Job(tmp_path)
    made.train(questions(40))
    return made
