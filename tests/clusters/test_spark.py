"""Losses on a real Spark cluster with a master and two workers, seen by a user."""

import os
import re
import signal
from pathlib import Path

from builders import questions, write_rows
from clusters.cases import STEADY, check_survived, killed_mid_run, writers_of
from clusters.cluster_jobs import ClusterJob, on_spark
from clusters.spark_cluster import SparkCluster

from beam_distill.simulator.server import start_simulator


def test_an_executor_killed_while_a_person_watches(spark: SparkCluster, spark_endpoint: str, tmp_path: Path) -> None:
    rows = 1500
    train = write_rows(tmp_path / "train.jsonl", questions(rows))
    with start_simulator(STEADY) as simulator:
        job = ClusterJob(tmp_path, simulator.base_url, "MATH", train)

        def kill() -> None:
            spark.lose_executor_of(spark.executors()[-1])

        code, output, open_then = killed_mid_run(job, simulator, 500, kill, *on_spark(spark.master, endpoint=spark_endpoint))
        assert code == 0, output
        check_survived(job, simulator, rows, open_then, "spark executor killed")
    shown = [int(count.replace(",", "")) for count in re.findall(r"train ([\d,]+) of 1,500; ", output)]
    assert shown == sorted(shown), output
    assert any(0 < count < rows for count in shown), output


def test_a_python_harness_killed(spark: SparkCluster, tmp_path: Path) -> None:
    # through the command's own job server, which makes Spark move the tasks of a lost executor to another one
    rows = 1000
    train = write_rows(tmp_path / "train.jsonl", questions(rows))
    with start_simulator(STEADY) as simulator:
        job = ClusterJob(tmp_path, simulator.base_url, "MATH", train)
        code, output, open_then = killed_mid_run(
            job, simulator, 300, lambda: os.kill(writers_of(tmp_path)[0], signal.SIGKILL), *on_spark(spark.master)
        )
        assert code == 0, output
        check_survived(job, simulator, rows, open_then, "spark harness killed")
