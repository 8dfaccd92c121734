"""Rows that double others are left out before anything is sent, from the command to the dataset."""

import pytest
from builders import chat_line, questions, read_jsonl
from jobs import Job

from beam_distill.before_run import preflight
from beam_distill.cli.main import main
from beam_distill.simulator.server import start_simulator

FIRST = "A farmer has twelve cows and buys seven more at the market before he sells five of them to his neighbour who lives behind the hill."
LONG = f"{FIRST} The neighbour pays with three sheep and a promise that he will come back in spring to help with the fields and the old barn."


def asking(text: str) -> str:
    return chat_line(("user", text))


TRAIN = [*questions(40), *questions(5), asking(LONG), asking(LONG.upper()), questions(60)[50], asking(f"So: {FIRST}")]
VALIDATION = questions(60)[45:]
NOT_ASKED = "http://127.0.0.1:9/v1"
SWITCHES = ("--drop_doubles=near", "--drop_leaks", "--min_readable_ratio=0.99")


@pytest.fixture
def doubled(job: Job) -> Job:
    job.train(TRAIN)
    job.validation(VALIDATION)
    return job


@pytest.mark.slow
def test_what_is_left_out_is_not_sent_and_every_row_comes_out_once(doubled: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator() as simulator:
        doubled.url = simulator.base_url
        assert doubled.run(*SWITCHES) == 0
        assert simulator.stats()["requests"] == 42 + len(VALIDATION)
        first = doubled.train_output.read_bytes(), doubled.rejects()
        assert doubled.run(*SWITCHES) == 0
        assert simulator.stats()["requests"] == 42 + len(VALIDATION)
    assert (doubled.train_output.read_bytes(), doubled.rejects()) == first
    assert len(read_jsonl(doubled.train_output)) == 42
    train = [(reject["line"], reject["reason"]) for reject in doubled.rejects() if reject["split"] == "train"]
    assert train == [*((line, "exact_double") for line in range(41, 46)), (47, "near_double"), (48, "leak")]
    assert doubled.rejects()[0]["detail"].endswith("train.jsonl")
    assert "line 1 of " in doubled.rejects()[0]["detail"]
    split = doubled.split("train")
    assert (split["rows"], split["asked"], split["examples"], split["repeats"]) == (49, 42, 42, 0)
    shown, plan = capsys.readouterr()
    assert "success ratio 100.0% of the 42 rows asked" in shown
    assert "left out    rows that ask what an earlier row asks, or nearly; rows to train on that are validation rows, or nearly" in plan


@pytest.mark.slow
def test_several_processes_write_the_same_bytes(doubled: Job) -> None:
    written = []
    with start_simulator() as simulator:
        doubled.url = simulator.base_url
        for processes in (1, 2):
            work_dir = doubled.folder / f"work-{processes}"
            assert doubled.run(*SWITCHES, f"--max_concurrency_per_instance={processes}", f"--work_dir={work_dir}") == 0
            written.append((*doubled.datasets(), (work_dir / "rejects.jsonl").read_bytes()))
    assert written[0] == written[1]
    assert written[0][-1].count(b"exact_double") == 5


def test_check_counts_what_is_left_out_and_what_it_would_save(doubled: Job, capsys: pytest.CaptureFixture[str]) -> None:
    prices = ("--price_per_million_input_tokens=1000", "--price_per_million_output_tokens=0")
    with start_simulator() as simulator:
        doubled.url = simulator.base_url
        assert main(["check", *doubled.arguments(*prices)[1:]]) == 0
        shown = capsys.readouterr().out
        assert "5 exact repeats of earlier rows; each is sent and paid for. drop_doubles exact leaves them out" in shown
        assert "warning     1 row to train on asks what a validation row asks" in shown
        (saving,) = (line for line in shown.splitlines() if "drop_doubles exact (train)" in line)
        assert saving.startswith("saving      drop_doubles exact (train) would save 5 requests: about ")
        assert "USD" in saving
        assert "saving      drop_leaks would save 1 request" in shown
        assert main(["check", *doubled.arguments(*SWITCHES, "--strict")[1:]]) == 2  # there are few validation rows
        shown = capsys.readouterr().out
    assert "train       49 rows in = 42 to ask + 7 left out + 0 rejects" in shown
    assert "left out    train: 5 exact_double, 1 near_double, 1 leak" in shown
    assert "line 47: near_double: asks nearly the same as line 46 of" in shown
    assert "saving" not in shown
    assert "and 0 rows that cannot be sent" in shown


@pytest.mark.slow
def test_the_report_says_what_doubles_and_leaks_were_paid(doubled: Job) -> None:
    with start_simulator() as simulator:
        doubled.url = simulator.base_url
        assert doubled.run() == 0
    assert main(["report", str(doubled.work_dir), "--price_per_million_input_tokens=1000", "--price_per_million_output_tokens=0"]) == 0
    page = (doubled.work_dir / "report.html").read_text()
    assert "train: 5 rows were sent that ask what another row asks, for " in page
    assert "drop_doubles exact leaves them out" in page
    assert "1 row to train on asks what a validation row asks" in page


@pytest.mark.slow
def test_rows_of_a_test_set_are_not_sent(doubled: Job) -> None:
    tests = doubled.folder / "tests.csv"
    tests.write_text(f'question\n"{FIRST}"\n')
    with start_simulator() as simulator:
        doubled.url = simulator.base_url
        assert doubled.run(f"--decontaminate_against={tests}", "--decontaminate_template={{question}}") == 0
    assert [(reject["line"], reject["reason"]) for reject in doubled.rejects()] == [
        (46, "contaminated"),
        (47, "contaminated"),
        (49, "contaminated"),
    ]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--decontaminate_template={{a}}"], "decontaminate_template: goes with decontaminate_against, which is missing"),
        (["--decontaminate_against=nowhere.jsonl"], "decontaminate_against: no file matches nowhere.jsonl"),
        (["--near_double_similarity=0.2"], "near_double_similarity"),
        (["--drop_doubles=all"], "drop_doubles"),
    ],
)
def test_wrong_settings_are_named(flags: list[str], said: str, job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.url = NOT_ASKED
    assert job.run(*flags) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert "Traceback" not in shown


def test_leaks_need_a_validation_input(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.url = NOT_ASKED
    assert job.run("--drop_leaks") == 2
    assert "drop_leaks: needs validation_file_path" in capsys.readouterr().err


def test_columns_of_the_test_set_are_checked_before_anything_is_sent(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    tests = job.folder / "tests.csv"
    tests.write_text("question\nwhat\n")
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run(f"--decontaminate_against={tests}", "--decontaminate_template={{prompt}}") == 2
        assert simulator.stats()["requests"] == 0
    assert "prompt" in capsys.readouterr().err


def test_without_the_library_equal_rows_are_still_found(
    doubled: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(preflight, "find_spec", lambda _: None)
    doubled.url = NOT_ASKED
    assert doubled.run("--drop_doubles=near") == 2
    assert "need the library rensa" in capsys.readouterr().err
    with start_simulator() as simulator:
        doubled.url = simulator.base_url
        assert doubled.run("--drop_doubles=exact") == 0
    assert len(doubled.rejects()) == 5


def test_a_job_of_doubles_alone_keeps_its_first_row(job: Job) -> None:
    job.train([asking(LONG)] * 30)
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run("--drop_doubles=exact") == 0
        assert simulator.stats()["requests"] == 1
    assert len(read_jsonl(job.train_output)) == 1
    assert job.split("train")["rejected_by_reason"] == {"exact_double": 29}
