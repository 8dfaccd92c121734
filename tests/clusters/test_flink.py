"""The job on a real Flink cluster: one JobManager, two TaskManagers."""

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import questions, write_rows
from clusters.cases import STEADY, check_survived, killed_mid_run, same_bytes_as_embedded
from clusters.cluster_jobs import TASKS, ClusterJob, measured, on_flink
from clusters.flink_cluster import FlinkCluster
from clusters.job_servers import FLINK_JOB_SERVER
from clusters.processes import children_of, wait_for
from clusters.standing_job_server import StandingJobServer

from beam_distill.cli.summary import summary_text
from beam_distill.config.sources import resolve
from beam_distill.runners.detached import conclude, follow, read_submission, state_of, stop, submit_detached
from beam_distill.simulator.server import start_simulator

# the issue's own case is 4,000 rows and 5 kills; one kill of fewer rows keeps the whole below 20 minutes
KILLS = int(os.environ.get("CLUSTER_TESTS_KILLS", "1"))
KILL_ROWS = int(os.environ.get("CLUSTER_TESTS_KILL_ROWS", "1500"))


@pytest.fixture(scope="module")
def flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    with FlinkCluster(tmp_path_factory.mktemp("flink"), task_managers=2, slots=2) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def endpoint(flink: FlinkCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with StandingJobServer(tmp_path_factory.mktemp("job-server"), FLINK_JOB_SERVER, flink.master) as server:
        yield server.endpoint


@pytest.mark.parametrize("task", TASKS)
def test_same_ledger_same_bytes(flink: FlinkCluster, endpoint: str, tmp_path: Path, task: str) -> None:
    same_bytes_as_embedded("flink", task, tmp_path, on_flink(flink.master, endpoint=endpoint))


@pytest.fixture
def large(tmp_path: Path) -> tuple[str, int]:
    return write_rows(tmp_path / "train.jsonl", questions(1500)), 1500


@pytest.mark.parametrize("time_of", range(KILLS))
def test_a_task_manager_killed(flink: FlinkCluster, tmp_path: Path, time_of: int) -> None:
    rows = KILL_ROWS
    train = write_rows(tmp_path / "train.jsonl", questions(rows))
    with start_simulator(STEADY) as simulator:
        job = ClusterJob(tmp_path, simulator.base_url, "MATH", train)
        victim = flink.task_managers[-1]

        def kill() -> None:
            victim.end()
            flink.task_managers.remove(victim)
            flink.start_task_manager()

        at = random.randrange(100, rows - 100)
        code, output, open_then = killed_mid_run(job, simulator, at, kill, *on_flink(flink.master))
        assert code == 0, output
        check_survived(job, simulator, rows, open_then, "flink TaskManager killed", killed_at=at)
    flink.wait_for_slots(4)


def test_a_python_harness_killed(flink: FlinkCluster, tmp_path: Path, large: tuple[str, int]) -> None:
    train, rows = large
    with start_simulator(STEADY) as simulator:
        job = ClusterJob(tmp_path, simulator.base_url, "MATH", train)

        def kill() -> None:
            pythons = [pid for pid in children_of(flink.task_managers[0].pid) if b"sdk_worker_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
            assert pythons, "no harness below the TaskManager"
            os.kill(pythons[0], signal.SIGKILL)

        code, output, open_then = killed_mid_run(job, simulator, 400, kill, *on_flink(flink.master))
        assert code == 0, output
        check_survived(job, simulator, rows, open_then, "flink harness killed")


def test_the_job_manager_killed_and_the_job_submitted_again(flink: FlinkCluster, tmp_path: Path, large: tuple[str, int]) -> None:
    train, rows = large
    with start_simulator(STEADY) as simulator:
        job = ClusterJob(tmp_path, simulator.base_url, "MATH", train)
        process = job.start(*on_flink(flink.master))
        wait_for("answers", lambda: simulator.stats()["answered"] >= 400, 120)
        open_then = simulator.stats()["in_flight"]
        flink.job_manager.kill()
        process.terminate()
        time.sleep(1)
        process.kill()
        process.communicate()
        flink.start_job_manager()
        flink.wait_for_slots(4)
        ended = job.run(*on_flink(flink.master))
        assert ended.code == 0, ended.output
        check_survived(job, simulator, rows, open_then, "flink JobManager killed, submitted again")


def resolved(job: ClusterJob, master: str, **more: object):  # type: ignore[no-untyped-def]
    inputs = dict(text.removeprefix("--").split("=", 1) for text in [*job.arguments(*on_flink(master))[1:]])
    return resolve({**inputs, **{name: str(value) for name, value in more.items()}}, None, {})


@pytest.mark.parametrize(("minimum", "code"), [("0.5", 0), ("1.0", 3)])
def test_a_portable_jar_through_rest(flink: FlinkCluster, tmp_path: Path, minimum: str, code: int) -> None:
    write_rows(tmp_path / "train.jsonl", [*questions(60), '{"messages": [{"role": "user", "content": "no number"}]}'])
    with start_simulator() as simulator:
        job = ClusterJob(tmp_path, simulator.base_url, "MATH", str(tmp_path / "train.jsonl"))
        settings = resolved(job, flink.master, min_endpoint_success_ratio=minimum)
        submission = submit_detached(settings)
        assert read_submission(submission.work_dir) == submission
        assert state_of(submission) in ("RUNNING", "DONE")
        result = follow(settings, submission)
        assert int(result.exit_code) == code, result.message
        assert read_submission(submission.work_dir) is None
        assert "61 rows in = 60 examples + 1 rejects" in summary_text(result).replace(",", "")
    assert job.record()["exit_code"] == code
    measured("portable jar through REST", exit_code=code, wall_s=round(result.wall_s, 1))


def test_a_detached_job_is_stopped_from_outside(flink: FlinkCluster, tmp_path: Path) -> None:
    write_rows(tmp_path / "train.jsonl", questions(3000))
    with start_simulator(STEADY) as simulator:
        job = ClusterJob(tmp_path, simulator.base_url, "MATH", str(tmp_path / "train.jsonl"))
        settings = resolved(job, flink.master)
        submission = submit_detached(settings)
        wait_for("answers", lambda: simulator.stats()["answered"] >= 100, 120)
        stop(submission, "stopped by a test")
        wait_for("the job's end", lambda: state_of(submission) == "DONE", 120)
        result = conclude(settings, submission, "DONE")
        answered = simulator.stats()["answered"]
    assert int(result.exit_code) == 130 and "stopped by a test" in result.message
    assert answered < 3000 and result.verdict is not None
    assert result.verdict.splits[0].tally.examples == answered
