"""deploy/Dockerfile builds, and its image is the worker of a real job."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import questions, write_rows
from clusters.cluster_jobs import ClusterJob
from clusters.job_servers import FLINK_JOB_SERVER
from clusters.worker_image import PYTHON, WorkerImage, what_is_missing
from processes import listens, wait_for

from beam_distill.simulator.server import start_simulator
from beam_distill.version import VERSION

POOL_PORT = 50000

pytestmark = pytest.mark.skipif(bool(what_is_missing()), reason=what_is_missing())


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerImage]:
    with WorkerImage(tmp_path_factory.mktemp("image") / "storage") as built:
        yield built


def test_it_runs_as_nobody_and_holds_no_compiler(image: WorkerImage) -> None:
    assert image.user == "10001:10001"
    said = image.shell("id -u; python --version; beam-distill --version")
    assert said.splitlines()[0] == "10001"
    assert f"Python {PYTHON}." in said
    assert f"beam-distill {VERSION}" in said
    assert image.shell("for name in cc gcc g++ c++ clang make ld as; do command -v $name || true; done") == ""
    assert "pytest" not in image.shell("python -m pip list")
    # the user nobody owns none of these files, so it cannot change them
    assert image.shell("find /opt -writable -not -type l") == ""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the pool's user may read and write, like a mounted directory."""
    folder = tmp_path_factory.mktemp("mounted") / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


@pytest.fixture(scope="module")
def flags(image: WorkerImage, shared: Path) -> Iterator[list[str]]:
    """The flags that send a job's work to the image, which is the worker pool."""
    assert not listens(POOL_PORT), f"port {POOL_PORT} is taken"
    pool = image.start("pool", [*image.container(shared), *image.entry_point, "--worker_pool"])
    wait_for("the worker pool", lambda: listens(POOL_PORT) or pool.process.poll() is not None)
    assert listens(POOL_PORT), pool.said()
    yield [
        "--runner=flink",
        f"--job_server_jar={FLINK_JOB_SERVER.jar()}",
        f"--worker_environment=external:localhost:{POOL_PORT}",
        f"--shared_directories={shared}",
    ]
    pool.end()


def test_its_entry_point_is_the_worker_pool_of_a_job(shared: Path, flags: list[str]) -> None:
    mask = os.umask(0)  # command and pool run as different users and write to the same folders
    try:
        with start_simulator() as simulator:
            job = ClusterJob(shared / "job", simulator.base_url, "MATH", write_rows(shared / "job" / "train.jsonl", questions(100)))
            ended = job.run(*flags)
            assert ended.code == 0, ended.output
            assert simulator.stats()["answered"] == 100
            assert {path.stat().st_uid for path in (shared / "job" / "work" / "ledger").glob("*.avro")} == {10001}
            on_the_image = job.datasets()
            assert job.run(out="embedded").code == 0
        assert job.datasets("embedded") == on_the_image
    finally:
        os.umask(mask)


def test_a_worker_without_write_access_is_reported_in_a_sentence(shared: Path, flags: list[str]) -> None:
    with start_simulator() as simulator:
        job = ClusterJob(shared / "closed", simulator.base_url, "MATH", write_rows(shared / "closed" / "train.jsonl", questions(10)))
        ended = job.run(*flags)
    assert ended.code == 5, ended.output
    assert "Permission denied" in ended.output
    assert "10001 in the image" in ended.output
    assert "Traceback" not in ended.output
