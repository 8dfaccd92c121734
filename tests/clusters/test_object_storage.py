"""Input, ledger and output on Azure Blob storage (Azurite): no worker needs a local file."""

import json
import os
import re
from pathlib import Path
from typing import Any

from builders import questions
from clusters.azurite import ACCOUNT, Azurite
from clusters.cluster_jobs import ClusterJob, measured, on_flink
from clusters.flink_cluster import FlinkCluster
from processes import children_of, wait_for

from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Capacity, Latency, SimulatorSettings

ROWS = 600


def test_a_job_that_lives_on_object_storage_survives_a_lost_worker(
    flink: FlinkCluster, flink_endpoint: str, azurite: Azurite, blobs: Any, tmp_path: Path
) -> None:
    blobs.upload_blob("in/train.jsonl", "\n".join(str(line) for line in questions(ROWS)))
    root = f"azfs://{ACCOUNT}/jobs/job"
    # 40 at a time and 200 ms each: 200 answers a second, 2 seconds of them in a segment
    teacher = SimulatorSettings(latency=Latency("fixed", mean_ms=200), capacity=Capacity(slots=40))
    with start_simulator(teacher) as simulator:
        job = ClusterJob(
            tmp_path, simulator.base_url, "MATH", f"azfs://{ACCOUNT}/jobs/in/train.jsonl", root=root, extra=["--max_worker_count=20"]
        )
        flags = [*on_flink(flink.master, endpoint=flink_endpoint), "--ledger_segment_seconds=1", "--output_shards=3"]
        with job.started(*flags, environ=azurite.environ) as process:
            wait_for("answers", lambda: simulator.stats()["answered"] >= 300, 400)
            open_then = simulator.stats()["in_flight"]
            victim = flink.task_managers[-1]
            gone = [victim.pid, *children_of(victim.pid)]
            victim.vanish()
            flink.task_managers.remove(victim)
            flink.start_task_manager()
            output, _ = process.communicate(timeout=500)
        assert process.returncode == 0, output
        stats = simulator.stats()
        allowed = open_then + 2 * 200  # open requests, and for each of two processes one second of answers in an unsealed segment
        shards = [f"job/out/train-0000{number}-of-00003.jsonl" for number in range(3)]
        on_cluster = b"".join(blobs.download_blob(shard).readall() for shard in shards)
        record = json.loads(blobs.download_blob("job/work/run.json").readall())
        assert record["verdict"]["splits"]["train"]["examples"] == ROWS
        again = job.run(out="embedded", environ=azurite.environ)
        assert again.code == 0, again.output
        assert blobs.download_blob("job/embedded/train.jsonl").readall() == on_cluster
        assert simulator.stats()["requests"] == stats["requests"]
    measured("azfs on Flink, TaskManager killed", rows=ROWS, teacher_saw_repeats=stats["repeats"], allowed=allowed, killed=len(gone))
    assert stats["repeats"] <= allowed
    names = [blob.name for blob in blobs.list_blobs(name_starts_with="job/")]
    assert [name for name in names if name.startswith("job/out/train-")] == shards
    assert "job/out/train.jsonl" not in names
    segments = {name for name in names if name.startswith("job/work/ledger/") and name.endswith(".avro")}
    assert len({re.findall(r"-(\d+)-[0-9a-f]{12}", name)[0] for name in segments}) >= 2  # of several processes
    indexes = {name.removesuffix(".index") for name in names if name.endswith(".avro.index")}
    assert indexes <= segments
    assert len(segments - indexes) <= len(gone)  # each killed process may have been between the two
    assert "job/work/rejects.jsonl" in names
    assert not any("/staging/" in name for name in names)
    # no file of the job is on this machine's disk
    assert os.listdir(tmp_path) == []
    flink.wait_for_slots(4)


def test_a_job_on_object_storage_is_handed_over_and_read_back(flink: FlinkCluster, azurite: Azurite, blobs: Any, tmp_path: Path) -> None:
    """``run --detach`` and ``status --follow``, each with only the settings; then ``jar``, whose jar goes to the storage too."""
    blobs.upload_blob("handed/in.jsonl", "\n".join([*(str(line) for line in questions(60)), '{"messages": []}']))
    root = f"azfs://{ACCOUNT}/jobs/handed"
    with start_simulator() as simulator:
        job = ClusterJob(tmp_path, simulator.base_url, "MATH", f"{root}/in.jsonl", root=root, extra=on_flink(flink.master))
        handed = job.run("--detach", environ=azurite.environ)
        assert handed.code == 0, handed.output
        assert "the job continues by itself" in handed.output, handed.output
        reported = json.loads(blobs.download_blob("handed/work/submission.json").readall())
        assert reported["job_id"] in handed.output
        ended = job.run("--follow", command="status", environ=azurite.environ)
        assert ended.code == 0, ended.output
        assert "61 rows in = 60 examples + 1 reject" in ended.output
        assert "does not report how" not in ended.output
        record = json.loads(blobs.download_blob("handed/work/run.json").readall())
        assert record["metrics"]["requests_answered"] == 60
        assert record["metrics"]["latency_ms"]["count"] == 60
        again = job.run(command="status", environ=azurite.environ)
        assert again.code == 0, again.output
        assert "has ended" in again.output, again.output
        jar = job.run("-o", f"{root}/job.jar", command="jar", environ=azurite.environ)
        assert jar.code == 0, jar.output
        assert next(blobs.list_blobs(name_starts_with="handed/job.jar")).size > 1_000_000
    measured("azfs, detached and read back", exit_code=ended.code, wall_s=round(handed.wall_s + ended.wall_s, 1))
    assert os.listdir(tmp_path) == []
