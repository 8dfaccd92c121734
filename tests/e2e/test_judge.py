"""A judge model beside the teacher: what it accepts, what its answers cost, and how it fails."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from builders import chat_line, questions, read_jsonl
from jobs import Job
from ledger_records import list_segments
from small_teacher import SmallTeacher, by_try, small_teacher

from beam_distill.cli.main import main
from beam_distill.exit_codes import ExitCode
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings
from transforms.ledger.avro_schema import LEDGER_SCHEMA
from transforms.ledger.segments import read_records

ANSWER = re.compile(r"<answer>\n(.*?)\n</answer>", re.DOTALL)
ONE_AT_A_TIME = ("--initial_worker_count=1", "--max_worker_count=1")
PERMISSIVE = ("--min_endpoint_success_ratio=0",)


def verdict(score: object, reason: str = "because") -> str:
    return json.dumps({"reason": reason, "score": score})


def shown_answer(payload: dict[str, Any]) -> str:
    found = ANSWER.search(payload["messages"][-1]["content"])
    assert found is not None
    return found[1]


def by_answer(scores: Callable[[str], object]) -> Callable[[dict[str, Any]], tuple[str, str, dict[str, int]]]:
    """A judge whose score depends on the answer."""
    return lambda payload: (verdict(scores(shown_answer(payload))), "stop", {"prompt_tokens": 100, "completion_tokens": 7})


class Court:
    """A teacher, a judge and a job with both."""

    def __init__(self, folder: Path, teacher: SmallTeacher, judge: SmallTeacher, rows: int) -> None:
        self.teacher, self.judge = teacher, judge
        self.job = Job(folder, teacher.url)
        self.job.train(questions(rows))

    def run(self, *extra: str) -> int:
        return self.job.run("--checks=judge", f"--judge_model_endpoint_url={self.judge.url}", "--judge_model=j", *extra)

    @property
    def asked(self) -> tuple[int, int]:
        return self.teacher.answered, self.judge.answered

    def rejects(self) -> list[dict[str, Any]]:
        return read_jsonl(self.job.work_dir / "rejects.jsonl")

    def answers(self) -> list[str]:
        return [row["messages"][-1]["content"] for row in read_jsonl(self.job.train_output)]

    def train(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.job.work_dir / "run.json").read_text())["verdict"]["splits"]["train"]
        return found


@contextmanager
def court(folder: Path, rows: int = 4) -> Iterator[Court]:
    with small_teacher() as teacher, small_teacher() as judge:
        numbers = iter(range(1, 1_000_000))
        teacher.says = lambda _: (str(next(numbers)), "stop", {"prompt_tokens": 10, "completion_tokens": 2})
        judge.says = by_answer(lambda answer: 9 if int(answer) % 2 == 0 else 3)
        yield Court(folder, teacher, judge, rows)


def test_answers_below_the_bound_are_rejects_with_the_score_and_the_reason(tmp_path: Path) -> None:
    with court(tmp_path) as run:
        assert run.run(*ONE_AT_A_TIME) == 0
        assert run.answers() == ["2", "4"]
        assert [reject["reason"] for reject in run.rejects()] == ["low_score"] * 2
        assert run.rejects()[0]["detail"] == "the judge's score is 3, judge_min_score is 7: because"
        assert run.rejects()[0]["raw_answer"] == "1"
        assert run.asked == (4, 4)
        published = run.job.train_output.read_bytes()
        assert run.run() == 0
        assert run.asked == (4, 4)
        assert run.job.train_output.read_bytes() == published


def test_what_the_judge_took_is_counted_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with court(tmp_path) as run:
        prices = ("--judge_price_per_million_input_tokens=1000", "--judge_price_per_million_output_tokens=0")
        assert run.run(*prices) == 0
        split = run.train()
        assert (split["requests_sent"], split["prompt_tokens"], split["completion_tokens"]) == (4, 40, 8)
        judge = split["judge"]
        assert (judge["requests_sent"], judge["verdicts"], judge["prompt_tokens"], judge["completion_tokens"]) == (4, 4, 400, 28)
        said = capsys.readouterr().out
        assert "judge       4 requests; 0 verdicts taken from the ledger; tokens 400 in, 28 out; cost 0.40 USD" in said
        assert "requests    4; 0 answers taken from the ledger" in said
        assert run.run(*prices) == 0
        assert "judge       0 requests; 4 verdicts taken from the ledger" in capsys.readouterr().out
        assert run.train()["answers_reused"] == 4


def test_the_judges_answers_are_never_among_the_teachers(tmp_path: Path) -> None:
    with court(tmp_path) as run:
        assert run.run() == 0
        ledger = str(run.job.work_dir / "ledger")
        records = [
            [record for path in list_segments(folder) for record in read_records(path, LEDGER_SCHEMA, [])]
            for folder in (ledger, f"{ledger}/judge")
        ]
        assert [len(found) for found in records] == [4, 4]
        assert {record["model"] for record in records[0]} == {"m"}
        assert {record["model"] for record in records[1]} == {"j"}


def test_another_bound_asks_nothing_and_another_rubric_or_model_only_the_judge(tmp_path: Path) -> None:
    with court(tmp_path) as run:
        assert run.run(*ONE_AT_A_TIME) == 0
        assert run.run("--judge_min_score=2") == 0
        assert run.answers() == ["1", "2", "3", "4"]
        assert run.run("--judge_min_score=10", *PERMISSIVE) == ExitCode.BELOW_MINIMUM
        assert run.asked == (4, 4)
        rubric = tmp_path / "rubric.txt"
        rubric.write_text(
            'Say {"score": 1 to 10}. {{ question }}\n<answer>\n{{ answer }}\n</answer>{% if reference %}{{ reference }}{% endif %}'
        )
        assert run.run(f"--judge_rubric=@{rubric}") == 0
        assert run.asked == (4, 8)
        assert run.run("--judge_model=k") == 0
        assert run.asked == (4, 12)
        assert run.run() == 0
        assert run.asked == (4, 12)


def test_the_judge_sees_only_what_the_checks_before_it_accept(tmp_path: Path) -> None:
    with court(tmp_path) as run:
        run.teacher.says = lambda payload: ("word " * len(payload["messages"][-1]["content"]), "stop", None)
        run.job.task = "CONVERSATION"
        run.job.train([chat_line(("user", "a question")), chat_line(("user", "much longer than that"))])
        run.judge.says = lambda _: (verdict(8), "stop", None)
        assert run.run("--checks=length,judge", "--max_answer_words=15") == 0
        assert run.asked == (2, 1)
        assert [reject["reason"] for reject in run.rejects()] == ["too_long"]
        assert run.run("--checks=judge,length", "--max_answer_words=15") == 0
        assert run.asked == (2, 2)
        assert [reject["reason"] for reject in run.rejects()] == ["too_long"]


def test_a_row_is_asked_again_until_the_judge_accepts(tmp_path: Path) -> None:
    with court(tmp_path, rows=3) as run:
        run.teacher.says = by_try(lambda _, number: str(number + 1))
        run.judge.says = by_answer(lambda answer: 9 if answer == "3" else 3)
        assert run.run("--samples=5", *ONE_AT_A_TIME) == 0
        assert run.answers() == ["3"] * 3
        asked = run.asked
        published = run.job.train_output.read_bytes()
        assert run.run("--samples=5") == 0
        assert run.asked == asked
        assert run.job.train_output.read_bytes() == published


def test_the_best_sample_is_kept(tmp_path: Path) -> None:
    with court(tmp_path, rows=2) as run:
        tries: dict[str, int] = {}

        def says(payload: dict[str, Any]) -> tuple[str, str, None]:
            question = payload["messages"][-1]["content"]
            tries[question] = tries.get(question, 0) + 1
            return str(tries[question]), "stop", None

        run.teacher.says = says
        run.judge.says = by_answer(lambda answer: {"1": 7, "2": 9.5, "3": 9.5, "4": 8}[answer])
        assert run.run("--samples=4", "--keep=best", *ONE_AT_A_TIME) == 0
        assert run.answers() == ["2", "2"]
        assert run.asked == (8, 8)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("Sure! ```json\n" + verdict("8/10") + "\n```", None),
        ('<think>maybe {"score": 2}</think>' + verdict(8), None),
        (verdict(" 8 out of 10 "), None),
        (verdict(7.0), None),
        (verdict(11), "the judge's score is 11; expected a number from 1 to 10"),
        (verdict(0), "the judge's score is 0; expected"),
        (verdict("4/5"), "the judge's score is '4/5'; expected"),
        (verdict(True), "the judge's score is True; expected"),
        (verdict("good"), "the judge's score is 'good'; expected"),
        ("It is good, I would say 8.", "the judge's reply cannot be read: no_json"),
        (json.dumps({"rating": 8}), "the judge's reply cannot be read: key_missing"),
        ('{"score": 3, "score": 9}', "the judge's reply cannot be read: key_missing"),
    ],
)
def test_a_verdict_is_read_tolerantly_and_never_guessed(reply: str, expected: str | None, tmp_path: Path) -> None:
    with court(tmp_path, rows=1) as run:
        run.judge.says = lambda _: (reply, "stop", None)
        assert run.run(*PERMISSIVE) == (0 if expected is None else ExitCode.BELOW_MINIMUM)
        if expected is None:
            assert run.answers() == ["1"]
        else:
            [reject] = run.rejects()
            assert reject["reason"] == "no_verdict"
            assert reject["detail"].startswith(expected)
            assert reject["raw_answer"] == reply


def test_an_answer_that_the_judge_refuses_to_read_is_a_reject_and_the_others_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_teacher("4") as teacher, start_simulator(SimulatorSettings(faults={"content_filter_400": 0.4}, seed=3)) as judge:
        job = Job(tmp_path, teacher.url)
        job.train(questions(30))
        flags = ("--checks=judge", f"--judge_model_endpoint_url={judge.base_url}", "--judge_model=simulated-teacher")
        assert job.run(*flags) == 0
        rejects = read_jsonl(job.work_dir / "rejects.jsonl")
        assert {reject["reason"] for reject in rejects} == {"judge_failed"}
        assert 0 < len(rejects) < 30
        assert rejects[0]["detail"].startswith("the judge gave no reply: content_filtered, ")
        assert len(read_jsonl(job.train_output)) == 30 - len(rejects)
        assert json.loads((job.work_dir / "run.json").read_text())["verdict"]["splits"]["train"]["success_ratio"] == 1.0
        before = judge.stats()["requests"]
        assert job.run(*flags) == 0
        assert teacher.answered == 30
        assert judge.stats()["requests"] == before + len(rejects)  # a failure is asked again, a verdict never
        capsys.readouterr()
        assert job.run(*flags, "--min_accepted_ratio=1") == 3
        assert "beam-distill retry" not in capsys.readouterr().out  # the same command does that


def test_a_dead_judge_ends_the_run_and_is_named_and_a_rerun_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with court(tmp_path) as run:
        flags = ("--checks=judge", "--judge_model_endpoint_url=http://127.0.0.1:9/v1", "--judge_model=j")
        assert run.job.run(*flags) == ExitCode.ENDPOINT_STOPPED
        said = capsys.readouterr().out
        assert f"NOT FINISHED (exit code {int(ExitCode.ENDPOINT_STOPPED)}): the judge: " in said
        assert "Is judge_model_endpoint_url right, and is the server up?" in said
        assert run.teacher.answered == 4
        assert run.job.command("plan", *flags) == 0
        said = capsys.readouterr().out
        assert "rows        train: 0 to send, 4 answered on the ledger, 4 of them still to be judged" in said
        assert "judge       at most 4 questions: " in said
        judge = f"--judge_model_endpoint_url={run.judge.url}"
        assert run.job.command("check", *flags, judge, "--judge_model=m") == 0
        assert "to send     0 rows, 4 answered on the ledger, 4 of them still to be judged" in capsys.readouterr().out
        assert run.run() == 0
        assert run.asked == (4, 4)


def test_a_limit_is_for_teacher_and_judge_together(tmp_path: Path) -> None:
    with court(tmp_path, rows=20) as run:
        assert run.run("--max_requests=15", *PERMISSIVE) == ExitCode.BUDGET_SPENT
        assert sum(run.asked) == 15
        assert run.run("--max_requests=40", *PERMISSIVE) == 0
        assert run.asked == (20, 20)


def test_a_cost_limit_has_the_judges_prices(tmp_path: Path) -> None:
    with court(tmp_path, rows=50) as run:
        prices = [
            f"--{whose}price_per_million_{kind}_tokens={price}" for whose, price in (("", 0), ("judge_", 1000)) for kind in ("input", "output")
        ]
        assert run.run(*prices, "--max_cost=2.0", "--judge_max_new_tokens=10", *PERMISSIVE) == ExitCode.BUDGET_SPENT
        spent = run.train()["judge"]
        assert 1.5 < (spent["prompt_tokens"] + spent["completion_tokens"]) / 1000 <= 2.04
        assert run.run("--max_cost=2.0", *PERMISSIVE) == ExitCode.WRONG_INPUT


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--checks=judge",), "checks: judge needs judge_model_endpoint_url"),
        (("--checks=judge", "--judge_model_endpoint_url=http://h/v1"), "judge_model: missing"),
        (("--judge_model=j",), "judge_model: only with the check judge; add it with --checks judge"),
        (
            ("--checks=judge", "--judge_model_endpoint_url=http://h/v1", "--judge_model=j", "--judge_rubric={{ question }} {{ anser }}"),
            "{{ anser }}, which is not",
        ),
        (
            ("--checks=judge", "--judge_model_endpoint_url=http://h/v1", "--judge_model=j", "--judge_rubric={{ question }}"),
            "does not contain {{ answer }}",
        ),
        (("--checks=judge", "--judge_model_endpoint_url=http://h/v1", "--judge_model=j", "--judge_min_score=11"), "judge_min_score"),
        (("--samples=3", "--keep=best"), "keep: best needs scores"),
        (("--judge_api_key=secret",), "--judge_api_key_env NAME"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_sent(
    flags: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with court(tmp_path) as run:
        assert run.job.run(*flags) == ExitCode.WRONG_INPUT
        assert said in capsys.readouterr().err
        assert run.asked == (0, 0)


def test_the_key_goes_to_the_judge_alone_and_into_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with small_teacher("4") as teacher, start_simulator(SimulatorSettings(api_key="judges-made-up-key")) as judge:
        monkeypatch.setenv("JUDGE_KEY", "judges-made-up-key")
        job = Job(tmp_path, teacher.url)
        job.train(questions(5))
        flags = (
            "--checks=judge",
            f"--judge_model_endpoint_url={judge.base_url}",
            "--judge_model=m",
            "--judge_api_key_env=JUDGE_KEY",
            "--debug_mode=true",
        )
        assert job.run(*flags) == 0
        assert judge.stats()["by_status"]["200"] == 5
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert not [path for path in files if b"judges-made-up-key" in path.read_bytes()]
        monkeypatch.setenv("JUDGE_KEY", "another")
        assert job.run(*flags, "--judge_rubric={{ question }}{{ answer }}") == ExitCode.ENDPOINT_STOPPED


def test_check_asks_the_judge_once_and_estimates_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with court(tmp_path) as run:
        judges = (
            "--checks=judge",
            f"--judge_model_endpoint_url={run.judge.url}",
            "--judge_model=m",
            "--samples=3",
            "--teacher_model_temperature=0.7",
        )
        run.judge.says = lambda _: (verdict(1), "stop", None)
        assert run.job.command("check", *judges, "--sample_request=true") == 0
        said = capsys.readouterr().out
        assert "answers, with no credential; models: m" in said
        assert "verdict     1 for the answer '?' to the first row" in said
        assert "judge       at most 12 questions: about" in said
        assert run.asked == (1, 1)
        assert run.job.command("plan", *judges) == 0
        said = capsys.readouterr().out
        assert f"judge       {run.judge.url} (m), by our rubric: 7 of 10 or more is accepted" in said
        assert "judge       at most 12 questions" in said
        assert run.asked == (1, 1)


def test_retry_asks_whom_the_reason_is_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with court(tmp_path) as run:
        run.judge.says = lambda _: ("no idea", "stop", None)
        assert run.run(*PERMISSIVE) == ExitCode.BELOW_MINIMUM
        said = capsys.readouterr().out
        assert "warning     train: the judge gave no score for 4 of 4 rows asked (no_verdict). The judge answered without" in said
        assert said.count(f"retry {run.job.work_dir} --reason no_verdict") == 1
        assert "failed      4 x no_verdict: the judge's reply cannot be read: no_json, " in said
        run.judge.says = by_answer(lambda answer: 9 if int(answer) > 2 else 3)
        assert main(["retry", str(run.job.work_dir), "--reason", "no_verdict"]) == 0
        assert run.asked == (4, 8)
        assert sorted(run.answers()) == ["3", "4"]
        assert main(["retry", str(run.job.work_dir), "--reason", "low_score"]) == 0
        assert run.asked == (6, 10)
        assert sorted(run.answers()) == ["3", "4", "5", "6"]


def test_a_judge_without_scores_is_noticed_early(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with court(tmp_path, rows=40) as run:
        run.judge.says = lambda _: ("It is a fine answer.", "stop", None)
        assert run.run(*PERMISSIVE) == ExitCode.BELOW_MINIMUM
        said = capsys.readouterr().err
        assert (
            said.count("10 of the first 10 verdicts have no score, so their answers are refused. The latest: the judge's reply cannot be") == 1
        )


def test_cut_off_verdicts_are_named_and_only_they_are_asked_again_with_a_higher_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with court(tmp_path, rows=60) as run:
        cut = ('{"reason": "it is', "length", {"prompt_tokens": 100, "completion_tokens": 20})
        run.judge.says = lambda _: cut
        assert run.run("--judge_max_new_tokens=20", *PERMISSIVE) == ExitCode.BELOW_MINIMUM
        assert "50 of the first 50 verdicts of the judge are cut off by length: set judge_max_new_tokens above 20" in capsys.readouterr().err
        run.judge.says = by_answer(lambda answer: 9)
        assert run.run("--judge_max_new_tokens=200") == 0
        assert (len(run.answers()), run.asked) == (60, (60, 120))
