"""``launch`` and the rendered scripts on real clusters: the portable jar runs, the verdict is read, the exit code is right."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
from builders import questions, write_rows
from clusters.distributions import spark_home
from clusters.flink_cluster import FlinkCluster
from clusters.go_programs import boot
from clusters.job_servers import FLINK_JOB_SERVER, SPARK_JOB_SERVER
from clusters.spark_cluster import SparkCluster
from processes import wait_for
from rendering import a_config

from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Capacity, Latency, SimulatorSettings

ROWS = 60
CUT_OFF = SimulatorSettings(faults={"length": 0.2}, seed=3)


def a_job(folder: Path, url: str, **changes: Any) -> Path:
    """A config with files that every worker can read."""
    write_rows(folder / "train.jsonl", questions(ROWS))
    write_rows(folder / "validation.jsonl", questions(10, start=200))
    paths = {
        "train_file_path": str(folder / "train.jsonl"),
        "validation_file_path": str(folder / "validation.jsonl"),
        "generated_batch_train_file_path": str(folder / "out" / "train.jsonl"),
        "generated_batch_validation_file_path": str(folder / "out" / "validation.jsonl"),
    }
    shared = {
        "teacher_model_endpoint_url": url,
        "api_key_env": None,
        "shared_directories": str(folder),
        "worker_environment": f"process:{boot()}",
        "instance_count": 2,
    }
    return a_config(folder, **{**paths, **shared, **changes})


def command(folder: Path, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run one command as a user's shell would."""
    return subprocess.run([str(word) for word in words], cwd=folder, env=shell_variables(), capture_output=True, text=True, timeout=400)


def shell_variables() -> dict[str, str]:
    """The environment of a user's shell, Spark's commands on its path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), str(spark_home() / "bin"), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "SPARK_HOME": str(spark_home())}


def check_ending(folder: Path, ended: "subprocess.CompletedProcess[str]", code: int) -> None:
    assert ended.returncode == code, ended.stdout + ended.stderr
    record = json.loads((folder / "out" / "train.beam_distill" / "run.json").read_text())
    assert record["exit_code"] == code
    split = record["verdict"]["splits"]["train"]
    assert split["rows"] == ROWS == split["examples"] + split["rejects"]
    assert (folder / "out" / "train.jsonl").exists() == (code == 0)


def test_launch_through_flink_rest(tmp_path: Path, flink: FlinkCluster) -> None:
    """Below the minimum, then above: the second takes every answer from the ledger."""
    with start_simulator(CUT_OFF) as simulator:
        a_job(tmp_path, simulator.base_url, job_server_jar=str(FLINK_JOB_SERVER.jar()), master=flink.master)
        for ratio, code in ((1.0, 3), (0.5, 0)):
            sets = ["--set", "look_every_s=1", "--set", f"min_endpoint_success_ratio={ratio}"]
            ended = command(tmp_path, "beam-distill", "launch", "flink-rest", "--config", "job.yaml", *sets)
            check_ending(tmp_path, ended, code)
            again = command(tmp_path, "beam-distill", "status", "--config", "job.yaml")
            assert again.returncode == code
        assert simulator.stats()["repeats"] == 0


def test_the_rendered_flink_rest_script(tmp_path: Path, flink: FlinkCluster) -> None:
    """The script as written, below the minimum: the exit code comes through the shell."""
    with start_simulator(CUT_OFF) as simulator:
        a_job(tmp_path, simulator.base_url, job_server_jar=str(FLINK_JOB_SERVER.jar()), master=flink.master)
        sets = ["--set", "look_every_s=1", "--set", "min_endpoint_success_ratio=1.0"]
        made = command(tmp_path, "beam-distill", "render", "flink-rest", "--config", "job.yaml", *sets, "-o", "ready")
        assert made.returncode == 0, made.stderr
        check_ending(tmp_path, command(tmp_path, "ready/submit.sh"), 3)


def test_launch_by_spark_submit(tmp_path: Path, spark: SparkCluster) -> None:
    """The rendered script, below the minimum, then above."""
    with start_simulator(CUT_OFF) as simulator:
        a_job(tmp_path, simulator.base_url, job_server_jar=str(SPARK_JOB_SERVER.jar()), master=spark.master)
        for ratio, code in ((1.0, 3), (0.5, 0)):
            sets = ["--set", f"min_endpoint_success_ratio={ratio}"]
            ended = command(tmp_path, "beam-distill", "launch", "spark-submit", "--config", "job.yaml", *sets)
            check_ending(tmp_path, ended, code)
        assert simulator.stats()["repeats"] == 0


def test_ctrl_c_on_a_launch_by_spark_submit_ends_the_job_and_a_rerun_goes_on(tmp_path: Path, spark: SparkCluster) -> None:
    with start_simulator(SimulatorSettings(latency=Latency("fixed", mean_ms=1000), capacity=Capacity(slots=4))) as simulator:
        a_job(tmp_path, simulator.base_url, job_server_jar=str(SPARK_JOB_SERVER.jar()), master=spark.master)
        words = ["beam-distill", "launch", "spark-submit", "--config", "job.yaml"]
        process = subprocess.Popen(
            words, cwd=tmp_path, env=shell_variables(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        wait_for("answers", lambda: simulator.stats()["answered"] > 4, 400)
        children = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=100)
        assert process.returncode == 130, output
        assert "the driver has ended with spark-submit" in output
        assert "run the same command again" in output
        # a process that closed its output may still run for a moment
        _, alive = psutil.wait_procs(children, timeout=60)
        assert not alive
        answered = simulator.stats()["answered"]
        assert answered < ROWS
        ended = command(tmp_path, *words)
        check_ending(tmp_path, ended, 0)
        # only requests in flight when the executors died may be sent again
        assert simulator.stats()["repeats"] <= 4


def test_launch_through_a_job_server(tmp_path: Path, flink_endpoint: str) -> None:
    with start_simulator(CUT_OFF) as simulator:
        a_job(tmp_path, simulator.base_url, master=flink_endpoint)
        sets = ["--set", "min_endpoint_success_ratio=1.0"]
        check_ending(tmp_path, command(tmp_path, "beam-distill", "launch", "job-server", "--config", "job.yaml", *sets), 3)


def test_a_missing_cluster_is_reported(tmp_path: Path) -> None:
    with start_simulator(SimulatorSettings()) as simulator:
        a_job(tmp_path, simulator.base_url, master="localhost:9")
        ended = command(tmp_path, "beam-distill", "launch", "flink-rest", "--config", "job.yaml")
    assert ended.returncode == 2
    assert "no Flink JobManager answers" in ended.stderr
