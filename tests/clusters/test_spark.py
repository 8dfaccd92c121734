"""What dies and what runs twice, on a real Spark cluster: a master, two workers."""

import os
import re
import signal
from pathlib import Path

from builders import questions, read_jsonl, write_rows
from clusters.cases import STEADY, check_survived, killed_mid_run
from clusters.cluster_jobs import ClusterJob, measured, on_spark
from clusters.job_servers import SPARK_JOB_SERVER
from clusters.processes import children_of
from clusters.spark_cluster import SparkCluster
from clusters.standing_job_server import StandingJobServer

from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Capacity, Latency, SimulatorSettings


def test_an_executor_killed_while_a_person_watches(spark: SparkCluster, spark_endpoint: str, tmp_path: Path) -> None:
    rows = 1500
    train = write_rows(tmp_path / "train.jsonl", questions(rows))
    with start_simulator(STEADY) as simulator:
        job = ClusterJob(tmp_path, simulator.base_url, "MATH", train)

        def kill() -> None:
            below = children_of(spark.workers[0].pid)
            executors = [pid for pid in below if b"CoarseGrainedExecutorBackend" in Path(f"/proc/{pid}/cmdline").read_bytes()]
            assert executors, "no executor below the worker"
            for pid in [*children_of(executors[-1]), executors[-1]]:
                os.kill(pid, signal.SIGKILL)

        code, output, open_then = killed_mid_run(job, simulator, 500, kill, *on_spark(spark.master, endpoint=spark_endpoint))
        assert code == 0, output
        check_survived(job, simulator, rows, open_then, "spark executor killed")
    shown = [int(count.replace(",", "")) for count in re.findall(r"train ([\d,]+) of 1,500; ", output)]
    assert shown == sorted(shown) and any(0 < count < rows for count in shown), output


def test_a_share_that_runs_twice_at_once_gives_each_row_once(spark: SparkCluster, tmp_path: Path) -> None:
    """Spark starts a second copy of the one task after two seconds; both ask the teacher, and both write to the ledger."""
    rows = 600
    train = write_rows(tmp_path / "train.jsonl", questions(rows))
    twice = ["-Dspark.speculation=true", "-Dspark.speculation.interval=200ms", "-Dspark.speculation.task.duration.threshold=2s"]
    slow = SimulatorSettings(latency=Latency("lognormal", mean_ms=300), capacity=Capacity(slots=20))
    with start_simulator(slow) as simulator, StandingJobServer(tmp_path / "server", SPARK_JOB_SERVER, spark.master, twice) as server:
        job = ClusterJob(tmp_path / "job", simulator.base_url, "MATH", train, extra=["--max_worker_count=10"])
        ended = job.run(*on_spark(spark.master, processes=1, endpoint=server.endpoint))
        assert ended.code == 0, ended.output
        datasets, record = job.datasets(), job.record()
        assert job.run(out="embedded").code == 0
        repeats = simulator.stats()["repeats"]
    segments = len(list((job.folder / "work" / "ledger").glob("*.avro")))
    measured(
        "spark, a share that ran twice",
        rows=rows,
        equal=job.datasets("embedded") == datasets,
        ledger_segments=segments,
        teacher_saw_repeats=repeats,
        summary_says_repeated=record["answers_repeated"],
    )
    assert segments == 2, "Spark started no second copy"
    assert record["verdict"]["splits"]["train"]["examples"] == rows == len(read_jsonl(job.folder / "out" / "train.jsonl"))
    assert job.datasets("embedded") == datasets
    assert record["answers_repeated"] > 0
