"""The job on a real Flink cluster: one JobManager, two TaskManagers."""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import questions, write_rows
from clusters.cluster_jobs import TASKS, ClusterJob, measured, on_flink, rows_of
from clusters.flink_cluster import FlinkCluster
from clusters.processes import children_of, wait_for

from beam_distill.cli.summary import summary_text
from beam_distill.config.sources import resolve
from beam_distill.runners.detached import conclude, follow, read_submission, state_of, stop, submit_detached
from beam_distill.simulator.server import RunningSimulator, start_simulator
from beam_distill.simulator.settings import Capacity, Latency, SimulatorSettings, mixed_faults

FAULTY = SimulatorSettings(latency=Latency("lognormal", mean_ms=50), faults=mixed_faults(0.1))
STEADY = SimulatorSettings(latency=Latency("lognormal", mean_ms=300), capacity=Capacity(slots=60))


@pytest.fixture(scope="module")
def flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    with FlinkCluster(tmp_path_factory.mktemp("flink"), task_managers=2, slots=2) as cluster:
        yield cluster


@pytest.mark.parametrize("task", TASKS)
def test_same_ledger_same_bytes(flink: FlinkCluster, tmp_path: Path, task: str) -> None:
    train, validation = rows_of(task)
    with start_simulator(FAULTY) as simulator:
        job = ClusterJob(tmp_path, simulator.base_url, TASKS[task], str(train), str(validation) if validation else None)
        ended = job.run(*on_flink(flink.master))
        assert ended.code == 0, ended.output
        on_cluster = job.datasets(), job.rejects()
        split = job.record()["verdict"]["splits"]["train"]
        assert split["rows"] == split["examples"] + split["rejects"]
        # the embedded runner finds every answer; rows without one are asked again and may get one now
        assert job.run(out="embedded").code == 0
        same = job.datasets("embedded") == on_cluster[0]
        failed = [json.loads(line)["reason"] for line in on_cluster[1].splitlines()]
    measured(f"flink {task}", equal=same, rows=split["rows"], wall_s=round(ended.wall_s, 1))
    assert same, f"rejects on the cluster: {failed[:10]}"
    assert len(list((tmp_path / "work" / "ledger").glob("*.avro"))) >= 2, "one worker did all the work"


def killed_mid_run(job: ClusterJob, simulator: RunningSimulator, at: int, kill, *flags: str):  # type: ignore[no-untyped-def]
    process = job.start(*flags)
    wait_for("answers", lambda: simulator.stats()["answered"] >= at, 120)
    kill()
    open_then = simulator.stats()["in_flight"]
    output, _ = process.communicate(timeout=400)
    return process.returncode, output, open_then


@pytest.fixture
def large(tmp_path: Path) -> tuple[str, int]:
    return write_rows(tmp_path / "train.jsonl", questions(1500)), 1500


def check_survived(job: ClusterJob, simulator: RunningSimulator, rows: int, most_repeats: int, name: str, **more: object) -> None:
    stats = simulator.stats()
    on_cluster = job.datasets()
    record = job.record()
    assert record["verdict"]["splits"]["train"]["examples"] == rows
    assert job.run(out="embedded").code == 0
    assert job.datasets("embedded") == on_cluster
    told = record["answers_repeated"] + record["requests_lost_at_most"]
    measured(name, rows=rows, teacher_saw_repeats=stats["repeats"], allowed=most_repeats, summary_says_at_most=told, **more)
    assert stats["repeats"] <= most_repeats


def test_a_task_manager_killed(flink: FlinkCluster, tmp_path: Path, large: tuple[str, int]) -> None:
    train, rows = large
    with start_simulator(STEADY) as simulator:
        job = ClusterJob(tmp_path, simulator.base_url, "MATH", train)
        victim = flink.task_managers[-1]

        def kill() -> None:
            victim.end()
            flink.task_managers.remove(victim)
            flink.start_task_manager()

        at = random.randrange(100, 1200)
        code, output, open_then = killed_mid_run(job, simulator, at, kill, *on_flink(flink.master))
        assert code == 0, output
        check_survived(job, simulator, rows, open_then + 60, "flink TaskManager killed", killed_at=at)
    flink.wait_for_slots(4)


def test_a_python_harness_killed(flink: FlinkCluster, tmp_path: Path, large: tuple[str, int]) -> None:
    train, rows = large
    with start_simulator(STEADY) as simulator:
        job = ClusterJob(tmp_path, simulator.base_url, "MATH", train)

        def kill() -> None:
            import os
            import signal

            pythons = [pid for pid in children_of(flink.task_managers[0].pid) if b"sdk_worker_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
            assert pythons, "no harness below the TaskManager"
            os.kill(pythons[0], signal.SIGKILL)

        code, output, open_then = killed_mid_run(job, simulator, 400, kill, *on_flink(flink.master))
        assert code == 0, output
        check_survived(job, simulator, rows, open_then + 60, "flink harness killed")


def test_the_job_manager_killed_and_the_job_submitted_again(flink: FlinkCluster, tmp_path: Path, large: tuple[str, int]) -> None:
    train, rows = large
    with start_simulator(STEADY) as simulator:
        job = ClusterJob(tmp_path, simulator.base_url, "MATH", train)
        process = job.start(*on_flink(flink.master))
        wait_for("answers", lambda: simulator.stats()["answered"] >= 400, 120)
        flink.job_manager.kill()
        open_then = simulator.stats()["in_flight"]
        process.terminate()
        time.sleep(1)
        process.kill()
        process.communicate()
        flink.start_job_manager()
        flink.wait_for_slots(4)
        ended = job.run(*on_flink(flink.master))
        assert ended.code == 0, ended.output
        check_survived(job, simulator, rows, open_then + 60, "flink JobManager killed, submitted again")


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
