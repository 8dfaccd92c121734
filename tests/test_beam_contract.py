"""What beam_distill/runners/beam_internals and the stages need and Beam does not promise, tested with the installed Beam.

CI runs this with the lowest and the newest Beam that setup.py allows (``make test-beam``). If it fails, change beam_internals.
"""

import errno
import io
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union

import apache_beam as beam
import pytest
from apache_beam import pipeline as beam_pipeline
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_job_api_pb2
from apache_beam.pvalue import TaggedOutput
from apache_beam.runners.portability.local_job_service import LocalJobServicer
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.runners.portability.stager import Stager

from beam_distill.runners.base import RunnerPlan
from beam_distill.runners.beam_internals import own_pipeline
from beam_distill.runners.beam_internals.error_texts import errno_in, word_for_failed_job
from beam_distill.runners.beam_internals.filesystem_options import filesystem_options_put_back
from beam_distill.runners.beam_internals.jar_runner import JarRunner
from beam_distill.runners.beam_internals.job_servers import command_and_endpoint, job_server_wanted, local_jar, path_to_runner_jar
from beam_distill.runners.beam_internals.local_execution import in_process_runner
from beam_distill.runners.beam_internals.option_names import beam_option_names
from beam_distill.runners.beam_internals.results import job_id_of, metrics_in_answer, metrics_of_now
from beam_distill.runners.local_workers import worker_command
from beam_distill.runners.loopback import called_back
from beam_distill.runners.registry import jar_of

ROOT = Path(__file__).resolve().parent.parent


class _Count(beam.DoFn):
    def process(self, element: int) -> Iterator[int]:
        beam.metrics.Metrics.counter("contract", "seen").inc()
        yield element


class _NoSpace(beam.DoFn):
    def process(self, element: int) -> Iterator[int]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        yield element


def _fill(pipeline: beam.Pipeline, stage: beam.DoFn) -> None:
    pipeline | beam.Create([1, 2, 3]) | beam.ParDo(stage)


def _seen(reported: Any) -> int:
    return sum(counter.result for counter in reported.query(beam.metrics.MetricsFilter().with_namespace("contract"))["counters"])


@pytest.fixture(scope="module")
def portable() -> Iterator[PipelineOptions]:
    """Options of Beam's own job server in this process, with the workers of our loopback pool."""
    server = LocalJobServicer(staging_dir=None)
    port = server.start_grpc_server(0)
    options = PipelineOptions([f"--job_endpoint=localhost:{port}", "--job_server_timeout=60"])
    with called_back(RunnerPlan((), "here", environment="loopback"), options):
        yield options
    server.stop()


def test_options_of_filesystems_are_put_back() -> None:
    before = FileSystems._pipeline_options
    put_back = filesystem_options_put_back()
    FileSystems.set_options(PipelineOptions(["--job_name=contract"]))
    put_back()
    assert FileSystems._pipeline_options is before


def test_the_names_of_its_options() -> None:
    names = beam_option_names()
    assert {"runner", "job_endpoint", "flink_master", "environment_type", "sdk_worker_parallelism", "max_num_workers"} <= set(names)
    assert not [name for name in names if name.startswith("-")]


def test_a_submitted_jobs_id_and_its_metrics_of_now(portable: PipelineOptions) -> None:
    pipeline = beam.Pipeline(runner=PortableRunner(), options=portable)
    _fill(pipeline, _Count())
    result = pipeline.run()
    metrics_of_now(result)  # the first answer, which Beam would keep
    result.wait_until_finish()
    assert job_id_of(result)
    assert _seen(metrics_of_now(result)) == 3


def test_a_failed_job_is_recognised_by_its_text(portable: PipelineOptions) -> None:
    pipeline = beam.Pipeline(runner=PortableRunner(), options=portable)
    _fill(pipeline, _NoSpace())
    with pytest.raises(RuntimeError) as raised:
        pipeline.run().wait_until_finish()
    assert "FAILED" in (word_for_failed_job(raised.value) or "")


def test_metrics_as_flink_keeps_them() -> None:
    assert metrics_in_answer("{}").query()["counters"] == []
    assert metrics_in_answer(beam_job_api_pb2.GetJobMetricsResponse()).query()["distributions"] == []


def test_the_in_process_runner_counts() -> None:
    pipeline = beam.Pipeline(runner=in_process_runner())
    _fill(pipeline, _Count())
    result = pipeline.run()
    result.wait_until_finish()
    assert _seen(metrics_of_now(result)) == 3


@pytest.mark.slow
def test_workers_of_this_machine_count_too() -> None:
    pipeline = beam.Pipeline(runner=in_process_runner(worker_command()))
    _fill(pipeline, _Count())
    result = pipeline.run()
    result.wait_until_finish()
    assert _seen(metrics_of_now(result)) == 3


DYING_WORKER = """
import os, threading
import apache_beam as beam
from beam_distill.runners.beam_internals.error_texts import exit_code_of_worker
from beam_distill.runners.beam_internals.local_execution import in_process_runner
from beam_distill.runners.local_workers import worker_command

def leave(element):
    import os
    os._exit(3)

def hook(arguments):
    code = exit_code_of_worker(arguments.exc_value)
    if code is not None:
        print("exit code", code, flush=True)
        os._exit(0)  # the runner may wait for the dead worker for ever

threading.excepthook = hook
pipeline = beam.Pipeline(runner=in_process_runner(worker_command()))
pipeline | beam.Create([1]) | beam.Map(leave)
pipeline.run().wait_until_finish()
"""


@pytest.mark.slow
def test_a_worker_that_dies_is_recognised_by_a_text() -> None:
    command = [sys.executable, "-c", DYING_WORKER]
    ended = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120)
    assert ended.stdout == "exit code 3\n", ended.stderr


@pytest.mark.slow
def test_a_full_disk_of_a_worker_is_recognised_by_its_text() -> None:
    pipeline = beam.Pipeline(runner=in_process_runner(worker_command()))
    _fill(pipeline, _NoSpace())
    with pytest.raises(RuntimeError) as raised:
        pipeline.run().wait_until_finish()
    assert errno_in(raised.value, [errno.EIO, errno.ENOSPC]) == errno.ENOSPC


@pytest.mark.parametrize("runner", ["Flink", "Spark"])
def test_a_job_servers_command_and_address(tmp_path: Path, runner: str) -> None:
    jar = tmp_path / "job-server.jar"
    jar.write_bytes(b"")
    server = job_server_wanted(PipelineOptions([f"--runner={runner}Runner", f"--{runner.lower()}_job_server_jar={jar}"]))
    command, endpoint = command_and_endpoint(server, tmp_path / "artifacts")
    assert str(jar) in command
    assert str(tmp_path / "artifacts") in command
    assert endpoint.startswith("localhost:")


def test_prisms_command_and_address(tmp_path: Path) -> None:
    program = tmp_path / "prism"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    server = job_server_wanted(PipelineOptions(["--runner=PrismRunner", f"--prism_location={program}"]))
    command, endpoint = command_and_endpoint(server, tmp_path / "artifacts")
    assert str(program) in command[0]
    assert endpoint.rpartition(":")[2].isdigit()


def test_no_job_server_where_there_is_one() -> None:
    assert job_server_wanted(PipelineOptions(["--runner=FlinkRunner", "--job_endpoint=localhost:8099"])) is None
    assert job_server_wanted(PipelineOptions(["--runner=DirectRunner"])) is None


def test_where_the_jar_of_a_runner_is(tmp_path: Path) -> None:
    assert beam.version.__version__ in path_to_runner_jar("flink:1.19")
    jar = tmp_path / "a.jar"
    jar.write_bytes(b"")
    assert local_jar(str(jar)) == str(jar)


def _packed(folder: Path, runner: str) -> Path:
    runner_jar, jar = folder / "runner.jar", folder / "job.jar"
    with zipfile.ZipFile(runner_jar, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
    options = PipelineOptions(["--environment_type=EXTERNAL", "--environment_config=localhost:1", "--flink_master=[auto]"])
    pipeline = own_pipeline.OwnPipeline(runner=JarRunner(str(runner_jar), jar, jar_of(runner).passed_on), options=options)
    _fill(pipeline, _Count())
    pipeline.run().wait_until_finish()
    return jar


@pytest.mark.parametrize("runner", ["flink", "spark"])
def test_a_jar_holds_the_pipeline_and_the_options_of_its_runner(tmp_path: Path, runner: str) -> None:
    jar = _packed(tmp_path, runner)
    with zipfile.ZipFile(jar) as archive:
        pipelines = [name for name in archive.namelist() if name.endswith("pipeline.json")]
        (given,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith("pipeline-options.json"))
    assert len(pipelines) == 1
    assert ("[auto]" if runner == "flink" else "org.apache.beam.runners.spark.SparkRunner") in given


def test_what_beam_builds_for_workers_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    built: list[str] = []
    in_folder = Stager.create_job_resources

    def create_job_resources(options: Any, folder: str, **others: Any) -> Any:
        built.append(folder)
        return in_folder(options, folder, **others)

    monkeypatch.setattr(Stager, "create_job_resources", create_job_resources)
    _packed(tmp_path, "flink")
    assert [Path(folder).parent for folder in built] == [temporary]
    assert not Path(built[0]).exists()


def test_labels_of_our_pipelines_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    relabelled: list[Any] = []
    monkeypatch.setattr(beam_pipeline, "alter_label_if_ipython", own_pipeline._for_others(lambda transform, value: relabelled.append(transform)))
    _fill(own_pipeline.OwnPipeline(runner=in_process_runner()), _Count())
    assert relabelled == []
    _fill(beam.Pipeline(runner=in_process_runner()), _Count())
    assert relabelled, "Beam relabels by another way"
    assert own_pipeline.OwnPipeline().local_tempdir


class _Sort(beam.DoFn):
    def process(self, element: int) -> Iterator[Union[int, TaggedOutput[Literal["text"], str]]]:
        yield element
        yield TaggedOutput("text", str(element))


def test_tagged_outputs_have_types() -> None:
    pipeline = beam.Pipeline(runner=in_process_runner())
    outputs = pipeline | beam.Create([1]) | beam.ParDo(_Sort()).with_outputs("text", main="number")
    assert (outputs["number"].element_type, outputs["text"].element_type) == (int, str)


def test_nothing_is_written_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(sys.stdout, io.TextIOBase)
    pipeline = beam.Pipeline(runner=in_process_runner())
    _fill(pipeline, _Count())
    pipeline.run().wait_until_finish()
    assert capsys.readouterr().out == ""


def test_ci_asks_the_lowest_version_that_setup_py_allows() -> None:
    lowest = re.search(r"apache-beam>=([\d.]+),<3", (ROOT / "setup.py").read_text(encoding="utf-8"))
    assert lowest is not None
    assert f'beam: ["=={lowest[1]}.0", "<3"]' in (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
