"""Before paying: mistakes, estimates, and rows left to send."""

import gzip
import json
import tempfile
from pathlib import Path

import pytest
from builders import questions, read_jsonl
from jobs import Job

from beam_distill.before_run.estimate import Experience, estimate_lines
from beam_distill.cli.main import main
from beam_distill.job.prices import Prices
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings
from transforms.elements.usage import TokenPrices, Usage

PRICES = ("--price_per_million_input_tokens=1", "--price_per_million_output_tokens=10")


def test_few_rows_are_a_warning_and_strict_makes_it_an_exit_code(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.validation(questions(10, start=1000))  # no row to train on is a validation row
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.command("check") == 0
        shown = capsys.readouterr().out
        assert "validation: 10 rows to ask, fewer than the 40" in shown
        assert "train: 45" not in shown
        assert shown.splitlines()[-1] == "ready       beam-distill run with the same inputs does the job; see 1 warning above"
        assert job.command("check", "--strict") == 2
        last = capsys.readouterr().out.splitlines()[-1]
        assert "1 warning above and 0 rows that cannot be sent: exit code 2" in last
        assert job.command("check", "--data_generation_task_type=nlu_qa") == 0
        assert "train: 45 rows to ask, fewer than the 65" in capsys.readouterr().out
        assert simulator.stats()["requests"] == 0


def test_every_bad_line_is_listed(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.train([*questions(45), *["{"] * 30])
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.command("check") == 0
        assert job.command("check", "--strict") == 2
    shown = capsys.readouterr().out
    assert "75 rows in = 45 to ask + 30 rejects" in shown
    assert "all 30 are listed in" in shown
    listed = read_jsonl(job.work_dir / "bad_lines.jsonl")
    assert [fields["line"] for fields in listed] == list(range(46, 76))
    assert {fields["reason"] for fields in listed} == {"invalid_json"}
    job.train(questions(45))
    assert job.command("check", "--first_answer_patience=0.1") == 4
    assert not (job.work_dir / "bad_lines.jsonl").exists()  # it would list lines that are fixed by now


def test_a_truncated_file_is_refused_as_run_would_not_publish_it(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    torn = job.folder / "train.jsonl.gz"
    whole = gzip.compress("\n".join(questions(40_000)).encode())
    torn.write_bytes(whole[: len(whole) // 2])
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.command("check", f"--train_file_path={torn}", "--pilot=3") == 2
        assert simulator.stats()["requests"] == 0
    assert f"train: {torn} cannot be read from line" in capsys.readouterr().err


def test_a_list_of_bad_lines_that_cannot_be_removed_is_reported(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.url = "http://127.0.0.1:9"
    (job.work_dir / "bad_lines.jsonl").mkdir(parents=True)
    assert job.command("check") == 5
    shown = capsys.readouterr().err
    assert "bad_lines.jsonl, the list of an earlier check, cannot be removed" in shown
    assert "Traceback" not in shown


PAIRS = [json.dumps({"messages": None, "premise": f"{number} men sleep.", "hypothesis": "All are awake.", "label": 2}) for number in range(3)]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["premise,hypothesis", "A man sleeps.,He is awake."], "has 2 rows, and none can be sent"),
        (PAIRS, "has 3 rows, and none can be sent"),
        (["", "  "], "holds no rows"),
    ],
    ids=["a CSV under the name of JSON lines", "pairs without a template", "blank lines"],
)
def test_check_refuses_the_rows_that_run_refuses(job: Job, lines: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    job.train([*lines])
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.command("check", "--pilot=2") == 2
        shown = capsys.readouterr()
        assert job.run() == 2
        assert simulator.stats()["requests"] == 0
    assert f"beam-distill check: train: {said}" in shown.err or f"{job.folder / 'train.jsonl'} {said}" in shown.err
    assert "simulated-teacher" in shown.out
    assert "nothing is left to be sent" not in shown.out


def test_one_split_that_cannot_be_sent_is_refused_before_a_pilot_is_paid_for(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.validation([*PAIRS])
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.command("check", "--pilot=2") == 2
        assert simulator.stats()["requests"] == 0
        shown = capsys.readouterr()
        assert "has 3 rows, and none can be sent" in shown.err
        assert "train: " not in shown.err
        assert "to send     45 rows" in shown.out
        assert job.command("check", "--user_template={{premise}}", "--train_file_path=" + str(job.folder / "validation.jsonl")) == 0


@pytest.mark.slow
def test_files_without_lines_are_reported_by_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = Job(tmp_path)
    (tmp_path / "train.json").write_text('[{"messages": [{"role": "user", "content": "How many is 1 plus 1?"}]}, 7]')
    (tmp_path / "rows.csv").write_text('messages\n"[{""role"": ""user"",\n ""content"": ""2?""}]"\nno chat\n')
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.command("check", f"--train_file_path={tmp_path / 'train.json'}") == 0
        assert "train.json, record 2: not_an_object" in capsys.readouterr().out
        assert job.command("check", f"--train_file_path={tmp_path / 'rows.csv'}") == 0
        assert "rows.csv, line 4: " in capsys.readouterr().out
        assert job.run(f"--train_file_path={tmp_path / 'train.json'}", "--min_endpoint_success_ratio=0.1", "--report=true") == 0
    assert "train.json, record 2" in (job.work_dir / "report.html").read_text()
    capsys.readouterr()
    assert main(["ledger", str(job.work_dir), "--line=1"]) == 0
    assert "train.json record 1  " in capsys.readouterr().out


def test_a_pilot_makes_the_estimate_and_its_answers_are_reused(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.command("check", *PRICES) == 0
        shown = capsys.readouterr().out
        assert "to send     45 rows" in shown
        assert "4 bytes a token" in shown
        assert "at most 23,040" in shown
        assert "cost        at most" in shown
        assert job.command("check", "--pilot=10", *PRICES) == 0
        shown = capsys.readouterr().out
        assert "10 rows sent: 10 examples" in shown
        assert "to send     35 rows, 10 answered on the ledger" in shown
        assert "from 10 answers on the ledger" in shown
        assert "cost        about" in shown
        assert "answers/s observed" in shown
        assert simulator.stats()["requests"] == 10
        assert not job.train_output.exists()
        assert job.command("plan") == 0
        assert "train: 35 to send, 10 answered on the ledger" in capsys.readouterr().out
        assert job.run() == 0
        assert simulator.stats()["requests"] == 45
        assert "10 answers taken from the ledger" in capsys.readouterr().out


def test_a_silent_endpoint_does_not_prevent_an_estimate(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.url = "http://127.0.0.1:9"
    silent = "--first_answer_patience=0.1"
    assert job.command("check", silent, *PRICES) == 4
    shown = capsys.readouterr()
    assert "cannot be reached" in shown.err
    assert "to send     45 rows" in shown.out
    assert "4 bytes a token" in shown.out
    assert "cost        at most" in shown.out
    job.validation([*PAIRS])
    assert job.command("check", silent) == 4
    assert "has 3 rows, and none can be sent" in capsys.readouterr().err  # both are reported
    job.train([*PAIRS])
    assert job.command("check", silent) == 4
    assert "to send" not in capsys.readouterr().out


def test_what_the_ledger_answers_is_in_no_estimate_of_a_silent_endpoint(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run("--limit=10") == 0
    capsys.readouterr()
    assert job.command("check", "--first_answer_patience=0.1", *PRICES) == 4
    shown = capsys.readouterr().out
    assert "to send     35 rows, 10 answered on the ledger" in shown
    assert "from 10 answers on the ledger" in shown
    assert "counted for the model simulated-teacher" in shown


def test_a_choice_among_models_does_not_prevent_an_estimate(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator(SimulatorSettings(models=("small", "large"))) as simulator:
        job.url = simulator.base_url
        assert job.command("check") == 2
        shown = capsys.readouterr().out
        assert "several are served" in shown
        assert "to send     45 rows" in shown
        assert job.command("check", "--pilot=2", "--model=middle") == 2
        assert simulator.stats()["requests"] == 0


def test_a_model_that_is_not_listed_is_refused(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.command("check", "--model=other") == 2
        assert "other is not among them: choose one of them with --model (exit code 2)" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no filesystem here that takes no files from anybody")
def test_outputs_are_written_to_not_only_checked_for_rights(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.url = "http://localhost:1"
    assert job.command("check", "--generated_batch_train_file_path=/proc/x/train.jsonl") == 2
    assert "generated_batch_train_file_path: /proc/x/train.jsonl cannot be written" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no filesystem here that takes no files from anybody")
@pytest.mark.parametrize("command", ["check", "run"])
def test_without_a_place_for_temporary_files_nothing_is_sent(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc", "/proc/self"])  # as in a container with a read-only disk
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.command(command) == 2
        assert simulator.stats()["requests"] == 0
    said = capsys.readouterr().err
    assert "no folder for temporary files can be written" in said
    assert "/proc/self" in said
    assert "TMPDIR" in said


def test_a_key_that_was_never_given_is_not_called_wrong(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator(SimulatorSettings(api_key="k")) as simulator:
        job.url = simulator.base_url
        assert job.command("check") == 4
        assert "none is given; pass its location with --api_key_env or --api_key_file" in capsys.readouterr().err


def test_a_bad_pilot_is_a_warning(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator(SimulatorSettings(faults={"null_content": 1.0})) as simulator:
        job.url = simulator.base_url
        assert job.command("check", "--pilot=4", "--strict") == 2
    shown = capsys.readouterr().out
    assert "4 rows sent: 0 examples, 4 empty_answer" in shown
    assert "0 of the pilot's 4 rows gave an example" in shown


@pytest.mark.parametrize("text", ["0", "-1", "ten"])
def test_a_pilot_has_rows(job: Job, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    job.url = "http://127.0.0.1:9"
    assert job.command("check", f"--pilot={text}") == 2
    assert "is not a number of rows" in capsys.readouterr().err


def test_a_plan_counts_rows_and_contacts_nobody(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.url = "http://127.0.0.1:9"
    job.train([*questions(45), "{"])
    assert job.command("plan") == 0
    shown = capsys.readouterr().out
    assert "train: 45 to send, 0 answered on the ledger; 1 reject, see" in shown


@pytest.mark.fault("N27")
def test_a_plan_says_what_was_given_and_defaults_on_request(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.url = "http://127.0.0.1:9"
    assert job.command("plan") == 0
    shown = capsys.readouterr().out
    given = shown.partition("\ngiven\n")[2]
    assert given.count("(flag)") == 7
    assert "(default)" not in shown
    assert "plan --defaults lists them" in shown
    assert job.command("plan", "--defaults") == 0
    assert capsys.readouterr().out.count("(default)") > 50


def test_a_plan_without_an_input_says_so(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.url = "http://127.0.0.1:9"
    (job.folder / "train.jsonl").unlink()
    assert job.command("plan") == 0
    assert "not counted: no file matches" in capsys.readouterr().out


@pytest.mark.fault("N26")
def test_estimates_rest_on_what_was_seen() -> None:
    usage = Experience(answers=100, bytes_sent=40_000, tokens=Usage(20_000, 5_000), latency_s=2.0, answers_per_s=10.0)
    assert estimate_lines(1000, 400_000, 512, 200, usage, Prices(TokenPrices(1.0, 10.0))) == [
        "tokens in   about 200,000 (from 100 answers on the ledger)",
        "tokens out  about 50,000 (from 100 answers on the ledger)",
        "time        0:10 to 1:40: the shorter time if the endpoint takes 200 requests at a time without getting slower, the longer one at the "
        "10.0 answers/s observed, with so few rows that it was never full",
        "cost        about 0.70 USD",
    ]
    assert estimate_lines(1000, 400_000, 512, 200, usage, Prices(TokenPrices(1.0, None)))[-1] == "cost        about 0.20 USD (input tokens only)"
    assert estimate_lines(0, 0, 512, 200, usage, None) == ["estimate    nothing is left to be sent"]


def test_an_invalid_command_or_file_of_authorities_is_reported(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rum"]) == 2
    assert "'rum' is not a command; did you mean run?" in capsys.readouterr().err
    job.url = "http://127.0.0.1:9"
    for name, said in (("none.pem", "none.pem cannot be read: No such file"), ("train.jsonl", "contains no readable certificate")):
        assert job.command("check", f"--ca_bundle={job.folder / name}") == 2
        assert said in capsys.readouterr().err
