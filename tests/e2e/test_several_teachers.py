"""Several endpoints as one pool, as a user runs them: real HTTP, one ledger, one dataset."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import fastavro
import pytest
from builders import questions
from jobs import Job

from beam_distill.cli.main import main
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings

NOWHERE = "http://127.0.0.1:9/v1"


def with_teachers(job: Job, command: str, teachers: list[dict[str, Any]], *extra: str) -> int:
    path = job.folder / "job.json"
    path.write_text(json.dumps({"teachers": teachers}))
    arguments = [argument for argument in job.arguments() if "endpoint_url" not in argument]
    return main([command, *arguments[1:], "--config", str(path), *extra])


def endpoints_on_ledger(job: Job) -> Counter[str]:
    found: Counter[str] = Counter()
    for segment in (job.work_dir / "ledger").glob("*.avro"):
        with open(segment, "rb") as file:
            found.update(str(record["endpoint"]) for record in fastavro.reader(file))
    return found


def test_an_address_given_twice_is_one_pool_and_a_rerun_with_one_sends_nothing(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator(SimulatorSettings()) as one, start_simulator(SimulatorSettings()) as other:
        job.url = one.base_url
        assert job.run(f"--teacher_model_endpoint_url={other.base_url}") == 0
        named = {simulator.base_url.split("/")[2] for simulator in (one, other)}
        record = job.record()
        assert set(record["answers_by_endpoint"]) == named == set(endpoints_on_ledger(job))
        assert record["answers_by_endpoint"] == dict(endpoints_on_ledger(job))
        assert sum(endpoints_on_ledger(job).values()) == 40
        assert {part["name"] for part in record["endpoint"]["endpoints"]} == named
        out = capsys.readouterr().out
        assert "endpoints   " in out
        assert all(name in out for name in named)
        before = job.datasets()
        assert job.run() == 0
        assert job.datasets() == before
        assert "requests    0; 40 answers taken from the ledger" in capsys.readouterr().out


@pytest.mark.slow
def test_an_endpoint_that_refuses_us_is_named_and_the_others_do_the_job(job: Job, capfd: pytest.CaptureFixture[str]) -> None:
    with start_simulator(SimulatorSettings()) as one, start_simulator(SimulatorSettings(api_key="made-up")) as locked:
        teachers = [{"name": "open", "url": one.base_url}, {"name": "locked", "url": locked.base_url}]
        assert with_teachers(job, "check", teachers) == 4
        out = capfd.readouterr().out
        assert "warning     locked: " in out
        assert "it requires a key" in out
        assert "pool        1 of 2 endpoints can be used, for the model simulated-teacher" in out
        assert with_teachers(job, "run", teachers, "--report=true") == 0
    said = capfd.readouterr()
    assert "the endpoint locked was not used again, because it refused (unauthorized)" in said.out
    record = job.record()
    assert record["endpoints_taken_out"] == {"locked": "unauthorized"}
    assert endpoints_on_ledger(job) == {"open": 40}
    page = (job.work_dir / "report.html").read_text()
    assert "<h2>Endpoints</h2>" in page
    assert "refused: unauthorized" in page
    assert "100.0%" in page
    assert job.split("train")["examples"] == 40


def test_a_key_that_one_entry_names_goes_to_that_endpoint_alone(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWN_KEY", "made-up")
    with start_simulator(SimulatorSettings(api_key="made-up")) as own, start_simulator(SimulatorSettings(api_key="other")) as other:
        teachers = [{"name": "own", "url": own.base_url, "api_key_env": "OWN_KEY"}, {"name": "other", "url": other.base_url}]
        assert with_teachers(job, "run", teachers) == 0
    assert endpoints_on_ledger(job) == {"own": 40}
    assert "made-up" not in (job.work_dir / "run.json").read_text()


def test_no_usable_model_is_reported_with_every_name(job: Job, capfd: pytest.CaptureFixture[str]) -> None:
    with start_simulator(SimulatorSettings(api_key="made-up")) as locked:
        teachers = [{"name": "gone", "url": NOWHERE}, {"name": "locked", "url": locked.base_url}]
        assert with_teachers(job, "run", teachers) == 4
    said = capfd.readouterr().err
    assert "none of them can be used now" in said
    assert "gone: http://127.0.0.1:9/v1/chat/completions cannot be reached" in said
    assert "locked: " in said


def test_different_models_are_refused_before_anything_is_sent(job: Job, capfd: pytest.CaptureFixture[str]) -> None:
    with start_simulator(SimulatorSettings(models=("a",))) as one, start_simulator(SimulatorSettings(models=("b",))) as other:
        teachers = [{"name": "one", "url": one.base_url}, {"name": "other", "url": other.base_url}]
        assert with_teachers(job, "run", teachers) == 2
        assert "the models differ (one: a; other: b)" in capfd.readouterr().err
        called_so = [{**teacher, "model": "m", "deployment": name} for teacher, name in zip(teachers, "ab", strict=True)]
        assert with_teachers(job, "run", called_so) == 0
    assert set(endpoints_on_ledger(job)) == {"one", "other"}


def test_the_plan_and_the_pilot_know_every_endpoint(job: Job, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    job.train(questions(12))
    with start_simulator(SimulatorSettings()) as one, start_simulator(SimulatorSettings()) as other:
        teachers: list[dict[str, Any]] = [{"url": one.base_url, "weight": 2}, {"name": "paid", "url": other.base_url, "overflow": True}]
        assert with_teachers(job, "plan", teachers) == 0
        out = capfd.readouterr().out
        assert "teacher     2 endpoints as one pool" in out
        assert f"{one.base_url} (weight 2)" in out
        assert f"paid (at {other.base_url}, for the overflow only)" in out
        assert "1 x 1 x 200 x 2 = at most 400 requests at a time" in out
        assert with_teachers(job, "check", teachers, "--pilot", "5") == 0
    assert "pilot       5 rows sent: 5 examples" in capfd.readouterr().out
