"""A job with enough rows for no warning."""

from pathlib import Path

import pytest
from builders import questions
from jobs import Job


@pytest.fixture
def job(tmp_path: Path) -> Job:
    made = Job(tmp_path)
    made.train(questions(45))
    return made
