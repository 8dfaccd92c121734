"""Answers on the ledger are published without the teacher, and a changed setting is reported before it costs anything."""

from pathlib import Path

import pytest
from builders import questions, read_jsonl
from jobs import Job
from small_teacher import small_teacher

ROWS = 12
DEAD = "http://127.0.0.1:9/v1"


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Job:
    job = Job(tmp_path_factory.mktemp("answered"))
    job.train(questions(ROWS))
    with small_teacher() as teacher:
        job.url = teacher.url
        assert job.run() == 0
    job.keep()
    return job


@pytest.fixture
def answered(run_once: Job) -> Job:
    """A finished job without a teacher."""
    return run_once.as_kept()


@pytest.mark.slow
@pytest.mark.fault("D20")
@pytest.mark.parametrize("known_model", [True, False])
def test_without_requests_neither_teacher_nor_key_is_needed(answered: Job, known_model: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    given = ["--model=m"] if known_model else []
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    assert answered.run("--student_format=sharegpt", "--api_key_env=NO_SUCH_KEY", *given) == 0
    assert "conversations" in read_jsonl(answered.train_output)[0]
    with small_teacher() as teacher:
        answered.url = teacher.url
        assert answered.run(*given) == 0
        assert teacher.asked_for == []


@pytest.mark.slow
@pytest.mark.fault("D20")
def test_with_one_more_row_the_teacher_is_needed(answered: Job, capsys: pytest.CaptureFixture[str]) -> None:
    answered.train(questions(ROWS + 4))
    assert answered.run() == 4
    capsys.readouterr()
    # as the summary says: the ledger's rows are published under the current gate
    assert answered.run("--send=false") == 0
    assert answered.split("train")["success_ratio"] == ROWS / (ROWS + 4)
    assert len(read_jsonl(answered.train_output)) == ROWS
    assert answered.split("train")["rejected_by_reason"] == {"not_sent": 4}
    assert {reject["detail"] for reject in answered.rejects()} == {"nothing was sent in this run. A rerun sends it."}
    assert answered.run("--send=false", "--min_endpoint_success_ratio=0.9") == 3
    shown = capsys.readouterr().out
    assert "--min_endpoint_success_ratio with --send false publishes the current examples without sending anything" in shown
    with small_teacher() as teacher:
        answered.url = teacher.url
        assert answered.run("--send=false") == 0
        assert teacher.asked_for == []


@pytest.mark.fault("D20")
def test_send_false_without_a_ledger_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = Job(tmp_path)
    job.url = DEAD
    job.train(questions(ROWS))
    assert job.run("--send=false") == 2
    assert "has none" in capsys.readouterr().err


@pytest.mark.fault("N5")
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("--teacher_model_temperature=0.9", "teacher_model_temperature 0.2 -> 0.9"),
        ("--model=other", 'model "m" -> "other"'),
        ('--extra_body={"min_p": 0.1}', "extra_body.min_p - -> 0.1"),
        ("--teacher_model_top_logprobs=3", "teacher_model_top_logprobs - -> 3"),
        ('--teacher_model_stop=["END"]', 'teacher_model_stop - -> ["END"]'),
        ("--enable_chain_of_thought=true", "the messages (task, reasoning, template or wording)"),
    ],
)
def test_answers_to_other_requests_are_reported_before_anything_is_sent(
    answered: Job, changed: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_teacher() as teacher:
        answered.url = teacher.url
        sentence = f"answers about {ROWS} rows to other requests, which are not used: what differs is {said}"
        capsys.readouterr()
        assert answered.command("plan", changed) == 0
        assert sentence in capsys.readouterr().out
        if "temperature" not in changed:
            return
        answered.command("check", changed)
        assert sentence in capsys.readouterr().out
        heard: list[str] = []
        teacher.at_request[1] = lambda: heard.append(capsys.readouterr().err)
        assert answered.run(changed) == 0
        assert sentence in heard[0]
        assert teacher.answered == ROWS


@pytest.mark.fault("N5")
def test_added_rows_do_not_change_the_requests(answered: Job, capsys: pytest.CaptureFixture[str]) -> None:
    answered.train(questions(ROWS + 4))
    with small_teacher() as teacher:
        answered.url = teacher.url
        assert answered.run() == 0
        assert teacher.answered == 4
    assert "other requests" not in capsys.readouterr().err
