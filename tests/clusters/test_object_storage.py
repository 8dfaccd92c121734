"""Input, ledger and output on Azure Blob storage as Azurite serves it: no worker needs a local file."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient
from builders import questions
from clusters.azurite import ACCOUNT, Azurite
from clusters.cluster_jobs import ClusterJob, measured, on_flink
from clusters.flink_cluster import FlinkCluster
from clusters.processes import children_of, wait_for

from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Capacity, Latency, SimulatorSettings

ROWS = 600


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, dict[str, str]]]:
    with Azurite(tmp_path_factory.mktemp("azurite")) as azurite:
        made = BlobServiceClient.from_connection_string(azurite.connection_string).create_container("jobs")
        made.upload_blob("in/train.jsonl", "\n".join(str(line) for line in questions(ROWS)))
        yield made, {"AZURE_STORAGE_CONNECTION_STRING": azurite.connection_string}


def test_a_job_that_lives_on_object_storage_survives_a_lost_worker(
    container: tuple[Any, dict[str, str]], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    blobs, environ = container
    root = f"azfs://{ACCOUNT}/jobs/job"
    # 40 at a time and 200 ms each: 200 answers a second, 2 seconds of them in a segment
    teacher = SimulatorSettings(latency=Latency("fixed", mean_ms=200), capacity=Capacity(slots=40))
    with start_simulator(teacher) as simulator, FlinkCluster(tmp_path_factory.mktemp("flink"), environ=environ) as flink:
        job = ClusterJob(
            tmp_path, simulator.base_url, "MATH", f"azfs://{ACCOUNT}/jobs/in/train.jsonl", root=root, extra=["--max_worker_count=20"]
        )
        flags = [*on_flink(flink.master), f"--shared_directories={tmp_path}", "--ledger_segment_seconds=1"]
        process = job.start(*flags, environ=environ)
        wait_for("answers", lambda: simulator.stats()["answered"] >= 300, 200)
        open_then = simulator.stats()["in_flight"]
        victim = flink.task_managers[-1]
        gone = [victim.pid, *children_of(victim.pid)]
        victim.end()
        flink.start_task_manager()
        output, _ = process.communicate(timeout=500)
        assert process.returncode == 0, output
        stats = simulator.stats()
        allowed = open_then + 2 * 200  # what was open, and the unsealed second of answers of each of two processes
        on_cluster = blobs.download_blob("job/out/train.jsonl").readall()
        record = json.loads(blobs.download_blob("job/work/run.json").readall())
        assert record["verdict"]["splits"]["train"]["examples"] == ROWS
        again = job.run(out="embedded", environ=environ)
        assert again.code == 0, again.output
        assert blobs.download_blob("job/embedded/train.jsonl").readall() == on_cluster
        assert simulator.stats()["requests"] == stats["requests"]
    measured("azfs on Flink, TaskManager killed", rows=ROWS, teacher_saw_repeats=stats["repeats"], allowed=allowed, killed=len(gone))
    assert stats["repeats"] <= allowed
    names = [blob.name for blob in blobs.list_blobs()]
    assert any(name.startswith("job/work/ledger/") for name in names) and "job/work/rejects.jsonl" in names
    assert not any("/staging/" in name for name in names)
    # nothing of the job is on this machine's disk
    assert not [name for name in os.listdir(tmp_path) if name not in ("out",)]
