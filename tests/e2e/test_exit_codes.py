"""One test per exit code, and one per kind of bad input: a clear message, and usable rows are done."""

import gzip
import json
import socket
import sys
import threading
import time
from collections.abc import Callable

import pytest
from builders import ROOT, chat_line, questions, read_jsonl
from forked_python import run
from jobs import Job

from beam_distill.exit_codes import EXPLANATIONS, ExitCode
from beam_distill.simulator.server import RunningSimulator, start_simulator
from beam_distill.simulator.settings import Capacity, Latency, SimulatorSettings
from beam_distill.work_dir.lock import locked


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_every_exit_code_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "exit_codes.md").read_text(encoding="utf-8")
    for code in ExitCode:
        assert f"| {code.value} | {EXPLANATIONS[code]} |" in page


def test_0_published(job: Job) -> None:
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run("--report=true") == 0
    assert job.record()["outcome"] == "published"


def test_1_a_defect_shows_its_traceback(job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("beam_distill.run.job.build", broken)
    job.url = "http://127.0.0.1:9"
    assert job.run("--model=m") == 1
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "defect of beam-distill" in shown


Arrange = Callable[[Job], tuple[str, ...]]


def _missing(job: Job) -> tuple[str, ...]:
    (job.folder / "train.jsonl").unlink()
    return ()


def _directory(job: Job) -> tuple[str, ...]:
    return (f"--train_file_path={job.folder}",)


def _empty(job: Job) -> tuple[str, ...]:
    (job.folder / "train.jsonl").write_bytes(b"")
    return ()


def _same(job: Job) -> tuple[str, ...]:
    return (f"--train_file_path={job.folder}/*.jsonl", f"--generated_batch_train_file_path={job.folder}/train.jsonl")


def _unwritable(job: Job) -> tuple[str, ...]:
    (job.folder / "file").write_text("x")
    return (f"--generated_batch_train_file_path={job.folder}/file/train.jsonl",)


def _output_directory(job: Job) -> tuple[str, ...]:
    return (f"--generated_batch_train_file_path={job.folder}", f"--work_dir={job.folder}/work")


def _unknown(job: Job) -> tuple[str, ...]:
    return ("--temperatur=1",)


def _no_key(job: Job) -> tuple[str, ...]:
    return ("--api_key_env=NO_SUCH_VARIABLE_HERE",)


def _no_address(job: Job) -> tuple[str, ...]:
    return ("--teacher_model_endpoint_url=localhost",)


@pytest.mark.parametrize(
    ("arrange", "said"),
    [
        (_missing, "no file matches"),
        (_directory, "is a directory"),
        (_empty, "is empty"),
        (_same, "both an input and an output"),
        (_unwritable, "is not a directory"),
        (_output_directory, "is a directory"),
        (_unknown, "no such flag"),
        (_no_key, "NO_SUCH_VARIABLE_HERE is not set"),
        (_no_address, "not an http or https address"),
    ],
)
def test_2_what_is_wrong_as_a_whole_sends_nothing(job: Job, arrange: Arrange, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run(*arrange(job)) == 2
        assert simulator.stats()["requests"] == 0
    shown = capsys.readouterr().err
    assert said in shown
    assert "Traceback" not in shown


def test_2_input_without_one_usable_row(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.train(["not json", "[]"])
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run() == 2
        assert simulator.stats()["requests"] == 0
    assert "the input has 2 rows, and none can be sent" in capsys.readouterr().out
    assert not job.train_output.exists()
    assert len(job.rejects()) == 2


@pytest.mark.fault("N13")
def test_2_rows_without_messages_name_the_fix_before_anything_is_sent(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.train(['{"premise": "a", "hypothesis": "b"}', "not json", '{"premise": "c", "hypothesis": "d"}'])
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run() == 2
        assert simulator.stats()["requests"] == 0
    shown = capsys.readouterr().err
    assert "there is no column 'messages'; the columns are: premise, hypothesis" in shown
    assert "user_template" in shown


def test_2_a_template_without_a_column_is_refused_before_anything_is_sent(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.train(['{"premise": "a", "hypothesis": "b"}'])
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run("--user_template=Premise: {premise}") == 2
        assert simulator.stats()["requests"] == 0
    assert "user_template names no column" in capsys.readouterr().err


def test_3_what_cannot_help_is_not_advised(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.validation(['{"messages": "none"}'])
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run() == 3
    shown = capsys.readouterr().out
    assert "validation, no_messages: " in shown
    assert "min_endpoint_success_ratio" not in shown


def test_2_several_models_are_listed(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator(SimulatorSettings(models=("small", "large"))) as simulator:
        job.url = simulator.base_url
        assert job.run() == 2
        assert "small, large" in capsys.readouterr().err
        assert job.run("--model=large") == 0


def test_2_a_work_dir_in_use(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator() as simulator, locked(str(job.work_dir)):
        job.url = simulator.base_url
        assert job.run() == 2
        assert simulator.stats()["requests"] == 0
    assert "another run" in capsys.readouterr().err


NO_NUMBER = chat_line(("system", "Give the numerical answer, an integer, only."), ("user", "no number here"))
WITHOUT_A_NUMBER = SimulatorSettings(answers={"no number here": "I cannot tell."})


def test_3_below_the_minimum_holds_back_that_split_only(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.validation([NO_NUMBER] * 4)
    with start_simulator(WITHOUT_A_NUMBER) as simulator:
        job.url = simulator.base_url
        assert job.run("--bare_answers=always") == 3
        assert job.train_output.exists()
        assert not job.validation_output.exists()
        assert len(job.rejects()) == 4
        asked = simulator.stats()["requests"]
        assert "NOT published" in capsys.readouterr().out
        assert job.run("--bare_answers=always", "--min_endpoint_success_ratio=0") == 0  # nothing is paid for again
        assert simulator.stats()["requests"] == asked
        shown = capsys.readouterr().out
        assert "warning     validation: the published dataset is empty: none of 4 rows asked gave an example" in shown
        assert "train: the published dataset is empty" not in shown
    assert job.validation_output.read_bytes() == b""


def test_a_held_back_split_leaves_no_stale_dataset(job: Job) -> None:
    with start_simulator(WITHOUT_A_NUMBER) as simulator:
        job.url = simulator.base_url
        assert job.run() == 0
        job.train([NO_NUMBER] * 3)
        earlier = job.train_output.read_bytes()
        assert job.run("--data_generation_task_type=MATH", "--bare_answers=always") == 3
    assert not job.train_output.exists()
    [kept] = (job.work_dir / "previous").glob("*/train.jsonl")
    assert kept.read_bytes() == earlier


@pytest.mark.parametrize("known_model", [True, False], ids=["model given", "model asked for"])
def test_4_an_endpoint_that_cannot_be_reached(job: Job, known_model: bool, capsys: pytest.CaptureFixture[str]) -> None:
    job.url = f"http://127.0.0.1:{free_port()}/v1"
    assert job.run(*(["--model=m"] if known_model else [])) == 4
    shown = "".join(capsys.readouterr())
    assert job.url in shown
    assert "cannot be reached" in shown
    assert "Traceback" not in shown
    assert not job.train_output.exists()


def test_4_a_wrong_key_stops_before_rows_are_sent(job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TEACHER_KEY", "wrong-key-value")
    with start_simulator(SimulatorSettings(api_key="right")) as simulator:
        job.url = simulator.base_url
        assert job.run("--model=m", "--api_key_env=TEACHER_KEY", "--report=true") == 4
        assert simulator.stats()["requests"] == 0
        shown = "".join(capsys.readouterr())
        assert "401" in shown
        assert "wrong-key-value" not in shown
        monkeypatch.setenv("TEACHER_KEY", "right")
        assert job.run("--model=m", "--api_key_env=TEACHER_KEY", "--report=true") == 0
    for path in job.work_dir.rglob("*"):
        if path.is_file():
            assert b"wrong-key-value" not in path.read_bytes()


def test_4_a_wrong_route_stops_early(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.train(questions(2000))
    with start_simulator() as simulator:
        job.url = f"{simulator.root_url}/elsewhere/chat/completions"
        assert job.run("--model=m") == 4
    assert "404" in capsys.readouterr().out


def stop_after_answers(simulator: RunningSimulator, answers: int) -> None:
    """A moment given by a number of answers, not in seconds: start-up times differ between machines."""
    deadline_s = time.monotonic() + 60
    while simulator.stats()["answered"] < answers and time.monotonic() < deadline_s:
        time.sleep(0.005)
    simulator.stop()


@pytest.mark.slow
def test_4_an_outage_is_waited_for_then_stopped_and_a_rerun_continues(job: Job) -> None:
    job.train(questions(400))
    with start_simulator(SimulatorSettings(latency=Latency("fixed", mean_ms=30), capacity=Capacity(slots=20))) as simulator:
        job.url = simulator.base_url
        port = int(simulator.root_url.rpartition(":")[2])
        stopper = threading.Thread(target=stop_after_answers, args=(simulator, 100))
        stopper.start()
        assert job.run("--outage_patience=2", "--model=simulated-teacher") == 4
        stopper.join()
    counts = job.split("train")
    assert counts["rows"] == 400
    assert 0 < counts["examples"] < 400
    with start_simulator(SimulatorSettings(port=port)) as simulator:
        assert job.run("--model=simulated-teacher") == 0
        assert simulator.stats()["requests"] == 400 - counts["examples"]


def test_an_outage_that_ends_costs_nothing(job: Job) -> None:
    job.train(questions(300))
    capacity = Capacity(slots=20, outages=((0.3, 1.3),))
    with start_simulator(SimulatorSettings(latency=Latency("fixed", mean_ms=30), capacity=capacity)) as simulator:
        job.url = simulator.base_url
        assert job.run() == 0
        assert simulator.stats()["answered"] == 300
    assert job.rejects() == []


@pytest.mark.slow
def test_5_storage_that_fails(job: Job) -> None:
    job.train(questions(300))
    with start_simulator(SimulatorSettings(latency=Latency("fixed", mean_ms=100), capacity=Capacity(slots=10))) as simulator:
        job.url = simulator.base_url
        code = (
            "import resource, signal, sys\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
            "from beam_distill.cli.main import main\n"
            f"sys.exit(main({job.arguments()!r}))\n"
        )
        ended = run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
        assert ended.returncode == 5, ended.stdout + ended.stderr
        assert "Traceback" not in ended.stderr
        assert not job.train_output.exists()
        assert 0 < (kept := job.answers_kept()) < 300
        assert job.run() == 0
        assert job.answered() == 300 - kept


@pytest.mark.slow
def test_130_interrupted_and_continued(job: Job) -> None:
    job.train(questions(600))
    with start_simulator(SimulatorSettings(latency=Latency("fixed", mean_ms=100), capacity=Capacity(slots=20))) as simulator:
        job.url = simulator.base_url
        process = job.start()
        while simulator.stats()["answered"] < 30:
            time.sleep(0.02)
        process.send_signal(2)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 130, output
        assert "Run the same command again" in output
        assert "Traceback" not in output
        assert not job.train_output.exists()
        assert job.run() == 0
        stats = simulator.stats()
        assert stats["repeats"] == 0
        assert stats["answered"] == 600  # the run waited for the requests in flight
    assert len(read_jsonl(job.train_output)) == 600


def test_bad_lines_are_named_and_the_others_done(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    bad: list[str | bytes] = [b'{"messages": [{"role": "user", "content": "\xff"}]}', "{", "[]", "{}", chat_line(("robot", "x")), "", "   "]
    first, *others = questions(3)
    job.train([b"\xef\xbb\xbf" + first.encode(), *others, *bad, *questions(3, 50)])
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run() == 0
        assert simulator.stats()["requests"] == 6
    assert [(reject["line"], reject["reason"]) for reject in job.rejects()] == [
        (4, "not_utf8"),
        (5, "invalid_json"),
        (6, "not_an_object"),
        (7, "no_messages"),
        (8, "unknown_role"),
    ]
    assert all(reject["file"].endswith("train.jsonl") and reject["detail"] for reject in job.rejects())
    assert job.split("train")["success_ratio"] == 1.0
    assert "success ratio 100.0% of the 6 rows asked" in capsys.readouterr().out


def test_a_huge_line_and_a_gzip_file(job: Job) -> None:
    huge = chat_line(("user", "x" * 20_000_000))
    compressed = job.folder / "rows.jsonl.gz"
    with gzip.open(compressed, "wt") as file:
        file.write("\n".join([*map(str, questions(2)), huge, *map(str, questions(2, 9))]))
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run(f"--train_file_path={compressed}") == 0
    assert [(reject["line"], reject["reason"]) for reject in job.rejects()] == [(3, "row_too_large")]


def test_check_finds_what_is_wrong_without_asking_the_teacher(job: Job, capsys: pytest.CaptureFixture[str]) -> None:

    job.train([*questions(3), "{"])
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.command("check") == 0
        assert simulator.stats()["requests"] == 0
    shown = capsys.readouterr().out
    assert "line 4: invalid_json" in shown
    assert "4 rows in = 3 to ask + 1 reject" in shown
    assert "simulated-teacher" in shown


def test_nothing_secret_travels_in_the_graph(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    import pickle

    import apache_beam as beam
    from apache_beam.internal import pickler

    from beam_distill.config.sources import resolve
    from beam_distill.job.pipeline import build
    from beam_distill.job.specs import endpoint_spec, job_spec

    monkeypatch.setenv("TEACHER_KEY", "sk-hidden-value")
    job.url = "http://localhost:1"
    flags = dict(argument[2:].split("=", 1) for argument in job.arguments("--api_key_env=TEACHER_KEY")[1:])
    settings = resolve(flags, None, {}).settings
    spec = job_spec(settings, endpoint_spec(settings), "run-1")
    pipeline = beam.Pipeline()
    build(pipeline, spec)
    graph = pipeline.to_runner_api().SerializeToString()
    assert b"TEACHER_KEY" in pickle.dumps(spec)
    for data in (graph, pickle.dumps(spec), pickler.dumps(spec), repr(spec).encode(), json.dumps(settings.public_view()).encode()):
        assert b"sk-hidden-value" not in data


def test_a_secret_header_travels_as_its_name(job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    header = '--additional_headers={"api-key": "${GATEWAY_KEY}", "x-team": "distil"}'
    with start_simulator(SimulatorSettings(api_key="key-of-the-gateway")) as simulator:
        job.url = simulator.base_url
        assert job.run(header, "--model=simulated-teacher") == 2
        assert "GATEWAY_KEY is not set" in capsys.readouterr().err
        monkeypatch.setenv("GATEWAY_KEY", "key-of-the-gateway")
        assert job.run(header, "--report=true") == 0
    for path in job.folder.rglob("*"):
        if path.is_file():
            assert b"key-of-the-gateway" not in path.read_bytes()
