"""The job on a real Spark cluster: a master, two workers."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import questions, write_rows
from clusters.cases import STEADY, check_survived, killed_mid_run, same_bytes_as_embedded
from clusters.cluster_jobs import TASKS, ClusterJob, on_spark
from clusters.job_servers import SPARK_JOB_SERVER
from clusters.processes import children_of
from clusters.spark_cluster import SparkCluster
from clusters.standing_job_server import StandingJobServer

from beam_distill.simulator.server import start_simulator


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    with SparkCluster(tmp_path_factory.mktemp("spark")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def endpoint(spark: SparkCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with StandingJobServer(tmp_path_factory.mktemp("job-server"), SPARK_JOB_SERVER, spark.master) as server:
        yield server.endpoint


@pytest.mark.parametrize("task", TASKS)
def test_same_ledger_same_bytes(spark: SparkCluster, endpoint: str, tmp_path: Path, task: str) -> None:
    same_bytes_as_embedded("spark", task, tmp_path, on_spark(spark.master, endpoint=endpoint))


def test_an_executor_killed(spark: SparkCluster, tmp_path: Path) -> None:
    train = write_rows(tmp_path / "train.jsonl", questions(1500))
    with start_simulator(STEADY) as simulator:
        job = ClusterJob(tmp_path, simulator.base_url, "MATH", train)

        def kill() -> None:
            below = children_of(spark.workers[0].pid)
            executors = [pid for pid in below if b"CoarseGrainedExecutorBackend" in Path(f"/proc/{pid}/cmdline").read_bytes()]
            assert executors, "no executor below the worker"
            for pid in [*children_of(executors[0]), executors[0]]:
                os.kill(pid, signal.SIGKILL)

        code, output, open_then = killed_mid_run(job, simulator, 500, kill, *on_spark(spark.master))
        assert code == 0, output
        check_survived(job, simulator, 1500, open_then, "spark executor killed")
