"""Warnings have one format, from reading settings to the end of a job."""

import re
from pathlib import Path

import pytest
from builders import questions
from jobs import Job
from small_teacher import small_teacher


@pytest.mark.fault("G20")
def test_every_warning_on_standard_error_is_in_one_style(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = Job(tmp_path)
    job.train(questions(3))
    with small_teacher() as teacher:
        job.url = teacher.url
        assert job.run() == 0
        capsys.readouterr()
        assert job.run("--teacher_model_temperature=0.5", "--compute_finetune=x", "--price_per_million_input_tokens=1") == 0
    said = capsys.readouterr().err
    for start in ("price_per_million_output_tokens is not given", "the ledger holds answers about 3 rows"):
        assert re.search(rf"^\d\d:\d\d:\d\d warning: {start}", said, re.MULTILINE)
    assert re.search(r"^\d\d:\d\d:\d\d the earlier ", said, re.MULTILINE)  # and other lines are not called warnings
