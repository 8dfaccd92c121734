"""Beam's options from the settings of each runner, and refusals before anything is submitted."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, get_args

import pytest
from apache_beam.runners.portability.local_job_service import LocalJobServicer
from local_server import serving

from beam_distill.config.runner import RunnerSettings
from beam_distill.config.sources import ResolvedSettings, resolve
from beam_distill.exit_codes import RunRefused
from beam_distill.job.beam_options import beam_given
from beam_distill.runners.base import RunnerPlan, options_of
from beam_distill.runners.package import workers_setup_file
from beam_distill.runners.refusals import check_runner, notes_on
from beam_distill.runners.registry import RUNNERS, plan_for
from beam_distill.submit.portable_jar import jar_plan


def settings(tmp_path: Path, **inputs: Any) -> ResolvedSettings:
    base = {
        "train_file_path": str(tmp_path / "train.jsonl"),
        "generated_batch_train_file_path": str(tmp_path / "out.jsonl"),
        "data_generation_task_type": "MATH",
        "teacher_model_endpoint_url": "http://localhost:9",
    }
    return resolve({**base, **inputs}, None, {})


def planned(resolved: ResolvedSettings, *argv: str) -> tuple[RunnerPlan, dict[str, Any]]:
    given = beam_given(resolved, list(argv))
    plan = plan_for(resolved.settings, given)
    return plan, options_of(plan, given).get_all_options()


@pytest.fixture
def job_server(tmp_path: Path) -> Iterator[str]:
    """Beam's own job server, in Python: it accepts any job."""
    server = LocalJobServicer(str(tmp_path / "staging"))
    port = server.start_grpc_server()
    yield f"localhost:{port}"
    server.stop()


@pytest.fixture
def job_manager() -> Iterator[str]:
    """Answers the two requests to a JobManager before submission."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"flink-version": "1.19.3", "slots-total": 4}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as address:
        yield address


def test_direct_runs_in_this_process(tmp_path: Path) -> None:
    plan, _ = planned(settings(tmp_path))
    assert plan.embedded
    assert plan.same_process
    assert plan.argv == ()
    plan, options = planned(settings(tmp_path, max_concurrency_per_instance=3))
    assert options["direct_num_workers"] == 3
    assert not plan.same_process


def test_flink_asks_the_cluster_for_its_version(tmp_path: Path, job_manager: str) -> None:
    resolved = settings(
        tmp_path, runner="flink", master=job_manager, instance_count=2, max_concurrency_per_instance=2, worker_environment="process:/opt/boot"
    )
    plan, options = planned(resolved)
    assert options["flink_version"] == "1.19"
    assert options["parallelism"] == 4
    assert str(options["sdk_worker_parallelism"]) == "2"
    assert json.loads(options["environment_config"])["command"] == "/opt/boot"
    assert plan.same_machine
    assert plan.notes == ()
    more, _ = planned(settings(tmp_path, runner="flink", master=job_manager, instance_count=5))
    assert "4 slots" in more.notes[0]


def test_what_the_user_sets_for_beam_wins(tmp_path: Path, job_manager: str) -> None:
    resolved = settings(tmp_path, runner="flink", master=job_manager, beam_options={"parallelism": 7, "flink_version": "1.20"})
    _, options = planned(resolved, "--environment_type=EXTERNAL", "--environment_config=pool:50000", "--parallelism=9")
    assert options["parallelism"] == 9
    assert options["flink_version"] == "1.20"
    assert options["environment_config"] == "pool:50000"


def test_without_a_master_workers_are_the_command_itself(tmp_path: Path) -> None:
    for runner in ("flink", "spark", "prism"):
        plan, options = planned(settings(tmp_path, runner=runner))
        assert options["environment_type"] == "LOOPBACK"
        assert plan.same_machine
        assert plan.same_process
        many, _ = planned(settings(tmp_path, runner=runner, max_concurrency_per_instance=2))
        assert not many.same_process


def test_loopback_counts_every_process_whatever_the_runner_takes_for_a_machine(tmp_path: Path) -> None:
    for runner in ("flink", "spark", "prism"):
        plan, options = planned(settings(tmp_path, runner=runner, instance_count=2, max_concurrency_per_instance=2))
        assert str(options["sdk_worker_parallelism"]) == "4"
        assert not plan.same_process


def test_flink_runs_stages_one_by_one_only_where_a_machine_has_several_processes(tmp_path: Path, job_manager: str) -> None:
    inputs = {"runner": "flink", "master": job_manager, "worker_environment": "process:/opt/boot"}
    one, _ = planned(settings(tmp_path, **inputs, instance_count=2))
    several, _ = planned(settings(tmp_path, **inputs, max_concurrency_per_instance=2))
    assert "--execution_mode_for_batch=BATCH" not in one.argv
    assert "--execution_mode_for_batch=BATCH" in several.argv
    # a worker that died must not be used again
    assert not [argument for argument in (*one.argv, *several.argv) if "environment_cache" in argument]


@pytest.mark.parametrize("master", ["local", "local[4]", "local[*]", "local[2,3]"])
def test_sparks_local_masters_are_this_machine(tmp_path: Path, master: str) -> None:
    jar = tmp_path / "spark.jar"
    jar.write_bytes(b"")
    inputs = {"runner": "spark", "master": master, "job_server_jar": str(jar)}
    plan, options = planned(settings(tmp_path, **inputs))
    assert plan.same_machine
    assert plan.environment == "loopback"
    assert options["spark_master_url"] == master
    check_runner(settings(tmp_path, **inputs).settings, plan)
    started, _ = planned(settings(tmp_path, **inputs, worker_environment="process:/opt/boot"))
    assert started.same_machine
    assert started.environment == "process"
    in_jar = settings(tmp_path, **inputs, worker_environment="process:/opt/boot")
    assert jar_plan(in_jar.settings, beam_given(in_jar, [])).same_machine


def test_spark_gets_its_cores_and_its_job_server(tmp_path: Path) -> None:
    jar = tmp_path / "spark.jar"
    jar.write_bytes(b"")
    _, options = planned(settings(tmp_path, runner="spark", master="spark://cluster:7077", job_server_jar=str(jar)))
    assert options["spark_job_server_jar"] == str(jar)
    assert options["spark_master_url"] == "spark://cluster:7077"
    assert options["environment_type"] == "DOCKER"
    assert Path(options["setup_file"]).name == "setup.py"  # Beam's own image lacks the package


def spark_told(tmp_path: Path, *argv: str, **inputs: Any) -> tuple[dict[str, str], tuple[str, ...]]:
    """The start properties of the command's own job server, and the messages."""
    plan, options = planned(settings(tmp_path, runner="spark", job_server_jar=__file__, **inputs), *argv)
    reported = [argument.removeprefix("-D").split("=") for argument in options["job_server_jvm_properties"]]
    assert len(dict(reported)) == len(reported)
    return dict(reported), plan.notes


def test_sparks_executors_have_a_core_for_each_scoring_process(tmp_path: Path) -> None:
    reported, notes = spark_told(tmp_path, master="spark://cluster:7077", instance_count=2, max_concurrency_per_instance=3)
    assert {name: reported[f"spark.{name}"] for name in ("executor.cores", "cores.max", "default.parallelism")} == {
        "executor.cores": "3",
        "cores.max": "6",
        "default.parallelism": "6",
    }
    assert "executors of 3 cores" in notes[0]
    assert spark_told(tmp_path, master="spark://cluster:7077", instance_count=2)[1] == ()


def test_a_task_that_failed_goes_to_another_executor_where_there_is_one(tmp_path: Path) -> None:
    two, _ = spark_told(tmp_path, master="spark://cluster:7077", instance_count=2)
    one, _ = spark_told(tmp_path, master="spark://cluster:7077", max_concurrency_per_instance=2)
    assert two["spark.excludeOnFailure.enabled"] == "true"
    assert "spark.excludeOnFailure.enabled" not in one


def test_what_the_user_sets_for_the_job_server_wins(tmp_path: Path, job_server: str) -> None:
    given = ("--job_server_jvm_properties=-Dspark.cores.max=9", "--job_server_jvm_properties=-Dmine=1")
    reported, _ = spark_told(tmp_path, *given, master="spark://cluster:7077")
    assert reported["spark.cores.max"] == "9"
    assert reported["mine"] == "1"
    assert reported["spark.executor.cores"] == "1"
    # a Spark inside the job server has no executors; one started by hand keeps its options
    assert spark_told(tmp_path, master="local[4]") == ({}, ())
    assert spark_told(tmp_path, f"--job_endpoint={job_server}", master="spark://cluster:7077", max_concurrency_per_instance=2) == ({}, ())


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"runner": "flink", "master": "localhost:1"}, "no Flink JobManager answers"),
        ({"runner": "portable"}, "--master localhost:8099"),
        ({"runner": "spark", "master": "spark://[4]:7077", "job_server_jar": __file__}, r"master: spark://\[4\]:7077 is not an address"),
        ({"runner": "spark", "job_server_jar": "/no/such.jar"}, "/no/such.jar does not exist"),
        ({"runner": "prism", "worker_environment": "process"}, "process:/path/of/boot"),
        ({"runner": "prism", "worker_environment": "cloud"}, "cloud is not known"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, inputs: dict[str, Any], said: str) -> None:
    with pytest.raises(RunRefused, match=said):
        planned(settings(tmp_path, **inputs))


@pytest.mark.parametrize(
    ("inputs", "argv"),
    [
        ({"runner": "portable", "master": "{}"}, ()),
        ({"runner": "prism", "master": "{}"}, ()),
        ({"runner": "prism"}, ("--job_endpoint={}",)),
        ({"runner": "flink"}, ("--job_endpoint={}",)),
        ({"runner": "spark", "master": "spark://cluster:7077"}, ("--job_endpoint={}",)),
    ],
    ids=str,
)
def test_a_job_server_is_asked_before_anything_is_submitted(
    tmp_path: Path, job_server: str, job_manager: str, inputs: dict[str, str], argv: tuple[str, ...]
) -> None:
    def to(endpoint: str) -> RunnerPlan:
        filled = {name: value.format(endpoint) for name, value in inputs.items()}
        return planned(settings(tmp_path, **filled, worker_environment="external"), *(word.format(endpoint) for word in argv))[0]

    assert not to(job_server).embedded
    for endpoint in (
        "localhost:1",
        job_manager,
        "no-such-host.invalid:8099",
    ):  # no listener, a listener that is not a job server, an unknown machine
        with pytest.raises(RunRefused) as caught:
            to(endpoint)
        assert caught.value.code == 2
        assert f"no Beam job server answers at {endpoint}" in str(caught.value)
        assert ("--job_endpoint host:port" if argv else "--master host:port") in str(caught.value)


def test_waiting_for_a_job_server_that_starts_is_optional(tmp_path: Path) -> None:
    server = LocalJobServicer(str(tmp_path / "staging"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    starting = threading.Thread(target=server.start_grpc_server, args=(port,))
    starting.start()
    try:
        planned(settings(tmp_path, runner="portable", master=f"localhost:{port}"), "--job_server_timeout=60")
    finally:
        starting.join()
        server.stop()


def test_java_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(RunRefused, match="no-such-java is not on this machine"):
        planned(settings(tmp_path, runner="spark"), "--job_server_java_launcher=no-such-java")


def refused(resolved: ResolvedSettings) -> str:
    plan, _ = planned(resolved)
    with pytest.raises(RunRefused) as caught:
        check_runner(resolved.settings, plan)
    return str(caught.value)


def test_paths_that_only_the_launcher_sees_are_refused_by_name(tmp_path: Path, job_server: str) -> None:
    cluster = {"runner": "portable", "master": job_server, "worker_environment": "external:localhost:50000"}
    said = refused(settings(tmp_path, **cluster))
    for name in ("train_file_path", "generated_batch_train_file_path", "work_dir"):
        assert f"{name}: " in said
    assert f"--shared_directories {tmp_path}" in said
    shared = settings(tmp_path, **cluster, shared_directories=f"{tmp_path}, /mnt/other")
    check_runner(shared.settings, planned(shared)[0])
    half = settings(tmp_path, **cluster, shared_directories=str(tmp_path), work_dir="/elsewhere")
    assert refused(half).startswith("work_dir: /elsewhere")
    assert "\n" not in refused(half)
    away = settings(tmp_path, **cluster, train_file_path="azfs://a/b/t.jsonl", generated_batch_train_file_path="azfs://a/b/o.jsonl")
    check_runner(away.settings, planned(away)[0])


def test_a_key_that_containers_will_not_have_is_refused(tmp_path: Path, job_server: str) -> None:
    cluster = {"runner": "portable", "master": job_server, "shared_directories": str(tmp_path), "api_key_env": "TEACHER_KEY"}
    assert "does not get the variable TEACHER_KEY" in refused(settings(tmp_path, **cluster))
    pool = settings(tmp_path, **cluster, worker_environment="external")
    check_runner(pool.settings, planned(pool)[0])
    assert "the worker pool must have the variable TEACHER_KEY" in notes_on(pool.settings, planned(pool)[0])[-1]


def test_a_secret_in_the_body_does_not_leave_with_the_job(tmp_path: Path, job_server: str) -> None:
    cluster = {"runner": "portable", "master": job_server, "shared_directories": str(tmp_path), "worker_environment": "external"}
    said = refused(settings(tmp_path, **cluster, extra_body={"data_sources": [{"key": "HUSH-1234"}]}))
    assert said.startswith("extra_body: data_sources.0.key is a secret")
    assert "${NAME}" in said
    assert "HUSH" not in said
    named = settings(tmp_path, **cluster, extra_body={"data_sources": [{"key": "${SEARCH_KEY}"}]})
    check_runner(named.settings, planned(named)[0])
    assert "must have the variable SEARCH_KEY" in notes_on(named.settings, planned(named)[0])[-1]


@pytest.mark.slow
def test_the_shipped_package_builds_and_holds_what_workers_run(tmp_path: Path) -> None:
    setup = Path(workers_setup_file())
    ended = subprocess.run(
        [sys.executable, "setup.py", "--quiet", "sdist", "--dist-dir", str(tmp_path)], cwd=setup.parent, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    (archive,) = tmp_path.glob("*.tar.gz")
    names = subprocess.run(["tar", "tzf", str(archive)], capture_output=True, text=True, check=True).stdout
    assert "transforms/score_with_teacher.py" in names
    assert "beam_distill/job/pipeline.py" in names
    assert "apache-beam" in setup.read_text()
    assert "pytest" not in setup.read_text()


def test_the_input_takes_the_name_of_every_runner_and_no_other() -> None:
    annotation = RunnerSettings.model_fields["runner"].annotation
    assert get_args(annotation) == tuple(RUNNERS)
