"""The steps of rendered workflows, run in order: the gate's verdict is the job's result, and no paid answer is lost."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from builders import questions, write_rows
from ci_machines import RunEnd, Service, run_azure, run_github
from clean_environment import empty_environment, wheel  # noqa: F401 - a fixture
from forked_commands import forked_command
from rendering import a_config, rendered
from validators import objections

from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings

FORKED = Path("the-package")
ROWS = 40  # of each split: fewer are a warning, which ends a strict check


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """Machines with a clean environment, for the package's wheel."""
    return a_service(tmp_path, empty_environment(tmp_path / "machine"))


def a_service(folder: Path, programs: Path) -> Service:
    repository = folder / "repository"
    write_rows(repository / "data" / "train.jsonl", questions(ROWS))
    write_rows(repository / "data" / "validation.jsonl", questions(ROWS, start=100))
    return Service(repository, folder / "service", programs, {"TEACHER_KEY": "made-up"})


# the install step of workflows; the command exists only after it
INSTALL = f"""#!/bin/sh
[ "$*" = "-m pip install {FORKED}" ] && ln -sf command "$(dirname "$0")/beam-distill"
"""


@pytest.fixture
def quick_service(tmp_path: Path) -> Iterator[Service]:
    """Machines where the command of this repository is installed, and forked: what it does depends on the steps alone."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python").write_text(INSTALL, encoding="utf-8")
    (folder / "python").chmod(0o755)
    with forked_command(folder / "command"):
        yield a_service(tmp_path, folder)


def start(service: Service, target: str, url: str, package: Path, again: RunEnd | None = None, **inputs: str) -> RunEnd:
    """Render for the repository's folder, as its owner would, and start it; or rerun the failed jobs of a run."""
    config = a_config(service.repository, teacher_model_endpoint_url=url, initial_worker_count=20, report=package is not FORKED)
    folder = rendered(target, config, f"package={package}")
    for path in folder.iterdir():
        # the config is named as it lies in the repository
        path.write_text(path.read_text().replace(str(config), "job.yaml"))
    if target == "github-actions":
        return run_github(service, folder / "distill.yml", inputs, again=again)
    return run_azure(service, folder / "azure-pipelines.yml", inputs, again)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["github-actions", "azure-pipelines"])
def test_a_good_run_publishes_and_a_run_below_the_minimum_fails_and_is_continued(
    service: Service,
    wheel: Path,  # noqa: F811
    target: str,
) -> None:
    with start_simulator(SimulatorSettings(faults={"length": 0.2}, seed=3, api_key="made-up")) as simulator:
        failed = start(service, target, simulator.base_url, wheel, min_endpoint_success_ratio="1.0")
        assert failed.exit_code == 3, failed.jobs["distill"].output
        assert failed.jobs["check"].exit_code == 0
        assert "made-up" not in failed.jobs["distill"].output + failed.jobs["check"].output
        (record,) = failed.artifacts.rglob("run.json")
        assert json.loads(record.read_text())["exit_code"] == 3
        assert not list(failed.artifacts.rglob("train.jsonl"))
        assert not list(failed.artifacts.rglob("train.handoff"))
        assert list(failed.artifacts.rglob("ledger/*"))
        paid = simulator.stats()["requests"]

        published = start(service, target, simulator.base_url, wheel, min_endpoint_success_ratio="0.5")
        assert published.exit_code == 0, published.jobs["distill"].output
        (dataset,) = published.artifacts.rglob("train.jsonl")
        assert len(dataset.read_text().splitlines()) > ROWS / 2
        assert list(published.artifacts.rglob("train.handoff/trl_sft.yaml"))
        # the failed run's answers are not paid for again
        assert simulator.stats()["requests"] == paid


@pytest.mark.slow
@pytest.mark.parametrize("target", ["github-actions", "azure-pipelines"])
def test_what_is_wrong_is_found_before_anything_is_paid_for(quick_service: Service, target: str) -> None:
    quick_service.secrets["TEACHER_KEY"] = "another"
    with start_simulator(SimulatorSettings(api_key="made-up")) as simulator:
        ended = start(quick_service, target, simulator.base_url, FORKED)
        assert ended.jobs["check"].exit_code != 0
        assert "distill" not in ended.jobs


@pytest.mark.slow
@pytest.mark.fault("G9")
@pytest.mark.parametrize("target", ["github-actions", "azure-pipelines"])
def test_invalid_rows_end_the_job_before_anything_is_paid_for(quick_service: Service, target: str) -> None:
    write_rows(quick_service.repository / "data" / "train.jsonl", [*questions(ROWS), '{"messages": [{"role": "user"'])
    with start_simulator(SimulatorSettings(api_key="made-up")) as simulator:
        ended = start(quick_service, target, simulator.base_url, FORKED)
        assert ended.jobs["check"].exit_code == 2
        assert "1 row that cannot be sent" in ended.jobs["check"].output
        assert "distill" not in ended.jobs
        assert simulator.stats()["requests"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("target", ["github-actions", "azure-pipelines"])
def test_what_a_pilot_paid_for_is_found_behind_a_run_that_kept_nothing(quick_service: Service, target: str) -> None:
    with start_simulator(SimulatorSettings(api_key="made-up")) as simulator:
        pilot = start(quick_service, target, simulator.base_url, FORKED, limit="10")
        assert pilot.exit_code == 0, pilot.jobs["distill"].output
        assert simulator.stats()["requests"] == 10 + 10

        quick_service.secrets["TEACHER_KEY"] = "another"
        wrong = start(quick_service, target, simulator.base_url, FORKED)
        assert list(wrong.jobs) == ["check"]
        refused = simulator.stats()["requests"]

        quick_service.secrets["TEACHER_KEY"] = "made-up"
        full = start(quick_service, target, simulator.base_url, FORKED)
        assert full.exit_code == 0, full.jobs["distill"].output
        assert simulator.stats()["requests"] - refused == 2 * (ROWS - 10)


@pytest.mark.parametrize("inputs", [{"work_dir": "azfs://account/container/work"}, {}])
def test_an_azure_pipeline_signs_in_again_while_it_runs_where_the_job_needs_azure(tmp_path: Path, inputs: dict[str, str]) -> None:
    pipeline = rendered("azure-pipelines", a_config(tmp_path, **inputs)) / "azure-pipelines.yml"
    assert objections(pipeline) == []
    jobs = yaml.safe_load(pipeline.read_text())["jobs"]
    kept = {job["job"]: step["inputs"].get("keepAzSessionActive") for job in jobs for step in job["steps"] if step.get("task") == "AzureCLI@2"}
    assert kept == {"check": None, "distill": True if inputs else None}


@pytest.mark.parametrize("inputs", [{"work_dir": "azfs://account/container/work"}, {}])
def test_a_workflow_says_how_long_its_azure_session_lasts(tmp_path: Path, inputs: dict[str, str]) -> None:
    workflow = (rendered("github-actions", a_config(tmp_path, **inputs)) / "distill.yml").read_text()
    assert ("about an hour" in workflow) == bool(inputs)


@pytest.mark.slow
def test_failed_jobs_of_a_workflow_are_run_again_and_keep_what_they_made(quick_service: Service) -> None:
    with start_simulator(SimulatorSettings(faults={"length": 0.2}, seed=3, api_key="made-up")) as simulator:
        run = start(quick_service, "github-actions", simulator.base_url, FORKED, min_endpoint_success_ratio="1.0")
        paid = simulator.stats()["requests"]
        start(quick_service, "github-actions", simulator.base_url, FORKED, again=run, min_endpoint_success_ratio="1.0")
        assert (run.jobs["check"].attempt, run.jobs["distill"].attempt, run.exit_code) == (1, 2, 3)
        assert simulator.stats()["requests"] == paid
    assert {path.name.rpartition("-")[2] for path in run.artifacts.iterdir()} == {"1", "2"}


@pytest.mark.slow
def test_failed_jobs_of_an_azure_pipeline_are_run_again_over_what_their_last_attempt_kept(quick_service: Service) -> None:
    with start_simulator(SimulatorSettings(faults={"length": 0.2}, seed=3, api_key="made-up")) as simulator:
        run = start(quick_service, "azure-pipelines", simulator.base_url, FORKED, min_endpoint_success_ratio="1.0")
        assert run.exit_code == 3, run.jobs["distill"].output
        paid = simulator.stats()["requests"]
        start(quick_service, "azure-pipelines", simulator.base_url, FORKED, again=run, min_endpoint_success_ratio="1.0")
        assert run.jobs["distill"].exit_code == 3, run.jobs["distill"].output
        assert "already exists" not in run.jobs["distill"].output
        assert simulator.stats()["requests"] == paid

        (first,) = run.artifacts.glob("*-work-dir-1")
        assert list(run.artifacts.glob("*-work-dir-2/ledger/*"))
        shutil.rmtree(first / "ledger")
        published = start(quick_service, "azure-pipelines", simulator.base_url, FORKED, min_endpoint_success_ratio="0.5")
        assert published.exit_code == 0, published.jobs["distill"].output
        assert simulator.stats()["requests"] == paid
