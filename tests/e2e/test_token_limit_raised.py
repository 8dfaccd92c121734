"""A higher token limit costs only for answers that the lower one cut off, and every change of settings is reported with its price."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import chat_line, questions, read_jsonl
from jobs import Job
from small_teacher import SmallTeacher, small_teacher

from beam_distill.before_run import survey
from beam_distill.cli.main import main
from transforms.intake.walk import walk_split

ROWS = 12
CONTEXT = 300
LONG, ENDLESS = (3, 7), (5,)
FEW = ("--report=false", "--min_endpoint_success_ratio=0")
PRICES = ("--price_per_million_input_tokens=1000", "--price_per_million_output_tokens=10000")


def number_in(payload: dict[str, Any]) -> int:
    found = re.search(r"What is (\d+) plus", payload["messages"][-1]["content"])
    assert found is not None
    return int(found[1])


def thinker(payload: dict[str, Any]) -> tuple[str, str, dict[str, int]]:
    """Some answers take 700 tokens, and one fills the model's context of 300."""
    number, limit = number_in(payload), payload["max_tokens"]
    if number in ENDLESS:
        return "hm", "length", {"prompt_tokens": 100, "completion_tokens": min(CONTEXT - 100, limit)}
    takes = 700 if number in LONG else 20
    usage = {"prompt_tokens": 100, "completion_tokens": min(takes, limit)}
    return (str(number + 3), "stop", usage) if takes <= limit else ("let me", "length", usage)


@pytest.fixture
def teacher() -> Iterator[SmallTeacher]:
    with small_teacher() as running:
        running.says = thinker
        yield running


@pytest.fixture
def short(tmp_path: Path, teacher: SmallTeacher) -> Job:
    """A finished run with at most 512 tokens per answer."""
    job = Job(tmp_path, teacher.url)
    job.train(questions(ROWS))
    assert job.run(*FEW) == 0
    assert [reject["line"] for reject in job.rejects()] == [4, 6, 8]
    teacher.payloads.clear()
    return job


def asked(teacher: SmallTeacher) -> list[int]:
    numbers = sorted(map(number_in, teacher.payloads))
    teacher.payloads.clear()
    return numbers


@pytest.mark.slow
def test_only_what_the_lower_limit_cut_off_is_requested_again(short: Job, teacher: SmallTeacher, tmp_path: Path) -> None:
    higher = "--teacher_model_max_new_tokens=1024"
    assert short.run(higher, *FEW) == 0
    assert asked(teacher) == list(LONG)
    (reject,) = short.rejects()
    assert reject["line"] == 6
    assert "cut off after 200 tokens, below teacher_model_max_new_tokens (512)" in reject["detail"]
    fresh = Job(tmp_path / "fresh", teacher.url)
    fresh.train(questions(ROWS))
    assert fresh.run(higher, *FEW) == 0
    assert fresh.datasets() == short.datasets()
    asked(teacher)
    datasets = short.datasets()
    short.url = "http://127.0.0.1:9/v1"  # every later run needs no teacher
    for limit in (1024, 512, 100, 4096, 512):
        assert short.run(f"--teacher_model_max_new_tokens={limit}", *FEW, "--model=m") == 0
        assert short.datasets() == datasets
        assert "cut off after 200 tokens, below" in short.rejects()[0]["detail"]
    assert asked(teacher) == []


def test_an_answer_cut_off_under_a_higher_limit_is_not_asked_for_under_a_lower_one(tmp_path: Path, teacher: SmallTeacher) -> None:
    job = Job(tmp_path, teacher.url)
    job.train(questions(4))
    assert job.run(*FEW) == 0
    assert job.run("--teacher_model_max_new_tokens=256", *FEW, "--model=m") == 0
    assert len(asked(teacher)) == 4
    (reject,) = job.rejects()
    assert reject["detail"].endswith("512 tokens, the limit of the run that asked (512); raise teacher_model_max_new_tokens above that")


def test_a_cut_off_row_that_fails_is_sent_by_the_next_run(short: Job, teacher: SmallTeacher) -> None:
    higher = "--teacher_model_max_new_tokens=1024"
    short.url = "http://127.0.0.1:9/v1"
    assert short.run(higher, *FEW, "--model=m") == 4
    assert short.run(higher, *FEW, "--model=m", "--send=false") == 0
    assert {reject["line"]: reject["reason"] for reject in short.rejects()} == {4: "not_sent", 6: "cut_off_by_length", 8: "not_sent"}
    short.url = teacher.url
    assert short.run(higher, *FEW) == 0
    assert asked(teacher) == list(LONG)


def test_a_row_that_filled_the_context_is_sent_again_on_request(short: Job, teacher: SmallTeacher) -> None:
    assert short.run("--teacher_model_max_new_tokens=1024", *FEW) == 0
    asked(teacher)
    assert main(["retry", str(short.work_dir), "--reason", "cut_off_by_length", "--first_answer_patience=2", *FEW]) == 0
    assert asked(teacher) == list(ENDLESS)
    assert main(["retry", str(short.work_dir), "--reason", "not_a_number", *FEW]) == 0
    assert asked(teacher) == []


def test_the_summary_says_what_to_do(tmp_path: Path, teacher: SmallTeacher, capsys: pytest.CaptureFixture[str]) -> None:
    job = Job(tmp_path, teacher.url)
    job.train(questions(4))
    assert job.run("--min_endpoint_success_ratio=0.9") == 3
    shown = capsys.readouterr().out
    assert "Rows that reached the token limit, and only those, are sent again with a higher --teacher_model_max_new_tokens." in shown
    assert "--reason cut_off_by_length" not in shown


def test_a_retry_may_have_a_higher_limit(short: Job, teacher: SmallTeacher) -> None:
    higher = ("--teacher_model_max_new_tokens=1024", *FEW)
    assert main(["retry", str(short.work_dir), "--reason", "cut_off_by_length", *higher]) == 0
    assert asked(teacher) == sorted([*LONG, *ENDLESS])
    assert [reject["line"] for reject in short.rejects()] == [6]
    assert main(["retry", str(short.work_dir), "--reason", "cut_off_by_length", "--teacher_model_temperature=0.9", *FEW]) == 2
    assert asked(teacher) == []


def test_only_the_turn_that_was_cut_off_is_requested_again(tmp_path: Path, teacher: SmallTeacher) -> None:
    job = Job(tmp_path, teacher.url, "CONVERSATION")
    job.train([chat_line(*(("user", f"What is {number} plus 3?"), ("assistant", "?")) * 1, ("user", "What is 7 plus 3?")) for number in (1, 2)])
    assert job.run(*FEW) == 0
    assert asked(teacher) == [1, 2, 7, 7]
    assert job.run("--teacher_model_max_new_tokens=1024", *FEW) == 0
    assert asked(teacher) == [7, 7]
    assert [message["content"] for message in read_jsonl(job.train_output)[0]["messages"]][1::2] == ["4", "10"]


def test_the_change_is_reported_with_its_price_before_anything_is_sent(
    short: Job, teacher: SmallTeacher, capsys: pytest.CaptureFixture[str]
) -> None:
    higher = ("--teacher_model_max_new_tokens=1024", *PRICES)
    said = [
        "teacher_model_max_new_tokens is 1024: 9 rows answered under 512 are not sent again",
        "1 row cut off below teacher_model_max_new_tokens (512), by the model's context or a limit of the server's, is not sent again",
        "teacher_model_max_new_tokens 512 -> 1024: 2 rows cut off by the lower limit are sent, and paid for, again: 2 requests, "
        "about 200 tokens in and at most 2,048 out, at most 20.68 USD",
    ]
    capsys.readouterr()
    assert short.command("plan", *higher) == 0
    plan = capsys.readouterr().out
    assert short.command("check", *higher) == 0
    check = capsys.readouterr().out
    heard: list[str] = []
    teacher.at_request[teacher.answered + 1] = lambda: heard.append(capsys.readouterr().err)
    assert short.run(*higher, *FEW) == 0
    for sentence in said:
        assert sentence in plan
        assert sentence in check
        assert sentence in heard[0]
    assert "train: 2 to send, 10 answered on the ledger" in plan


def test_another_temperature_is_reported_with_its_price(short: Job, capsys: pytest.CaptureFixture[str]) -> None:
    short.train(questions(ROWS + 3, start=-3 + 1000) + questions(ROWS))  # new rows in front of the old ones
    capsys.readouterr()
    assert short.command("plan", "--teacher_model_temperature=0.7", *PRICES) == 0
    assert (
        "answers about 12 rows to other requests, which are not used: what differs is teacher_model_temperature 0.2 -> 0.7. These rows are "
        "sent, and paid for, again: 12 requests, about 1,200 tokens in and about 1,404 out, about 15.24 USD, as the earlier answers took"
    ) in capsys.readouterr().out


def test_a_resumed_run_walks_its_input_once_before_it_sends(short: Job, teacher: SmallTeacher, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def walked(*given: Any) -> Iterator[Any]:
        for row in walk_split(*given):
            read.append(row.origin.line)
            yield row

    monkeypatch.setattr(survey, "walk_split", walked)
    short.train(questions(ROWS + 20))
    assert short.run(*FEW) == 0
    assert read == list(range(1, ROWS + 2))  # up to the first unknown row: everything on the ledger has been found by then
    assert len(asked(teacher)) == 20
