"""What the rendered scripts and pods pass to the cluster: its address, its Flink version, its cores."""

import json
import os
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import yaml
from builders import questions, write_rows
from local_server import serving
from rendering import a_config, config_for, rendered

from beam_distill.cli.main import main
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings


@pytest.fixture
def job_manager() -> Iterator[tuple[str, list[str]]]:
    """A JobManager of Flink 1.20 that refuses jars, and the requested paths."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.answer(200, {"refresh-interval": 3000, "flink-version": "1.20.1", "flink-revision": "abc", "slots-total": 4})

        def do_POST(self) -> None:
            asked.append(self.path)
            self.answer(503, {"errors": ["full"]})

        def answer(self, status: int, fields: dict[str, object]) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.dumps(fields, separators=(",", ":")).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as address:
        yield address, asked


def run_script(folder: Path, script: Path) -> tuple["subprocess.CompletedProcess[str]", list[str]]:
    """Run the script with a ``beam-distill`` that records its arguments and makes an empty jar; returns these arguments too."""
    (folder / "bin").mkdir(exist_ok=True)
    stand_in = folder / "bin" / "beam-distill"
    stand_in.write_text('#!/usr/bin/env bash\nprintf "%s\\n" "$@" >> arguments\ntouch beam-distill-job.jar\n')
    stand_in.chmod(0o755)
    environment = {"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    ended = subprocess.run(["bash", str(script)], cwd=folder, env=environment, capture_output=True, text=True)
    arguments = folder / "arguments"
    return ended, arguments.read_text().splitlines() if arguments.exists() else []


@pytest.mark.parametrize(("target", "variable"), [("flink-rest", "flink"), ("spark-submit", "master")])
def test_a_master_that_is_set_wins_over_the_jobs_and_that_over_the_default(tmp_path: Path, target: str, variable: str) -> None:
    config = a_config(tmp_path, master="spark://of-the-job:7077")
    command = ["render", target, "--config", str(config), "-o", str(tmp_path / "out")]
    (tmp_path / "values.yaml").write_text("master: of-the-values:8081\n")

    def master_of(*more: str) -> str:
        assert main([*command, *more]) == 0
        script = (tmp_path / "out" / "submit.sh").read_text()
        return next(line.partition("=")[2] for line in script.splitlines() if line.startswith(f"{variable}="))

    assert master_of("--set", "master=that-was-set:8081", "--values", str(tmp_path / "values.yaml")) == "that-was-set:8081"
    assert master_of("--values", str(tmp_path / "values.yaml")) == "of-the-values:8081"
    assert master_of() == "spark://of-the-job:7077" == master_of("--set", "master=spark://of-the-job:7077")
    a_config(tmp_path)
    assert "localhost" in master_of()


def test_a_master_from_the_environment_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    a_config(tmp_path)
    (tmp_path / "values.yaml").write_text("master: of-the-values:8081\n")
    command = ["render", "flink-rest", "--config", "job.yaml", "--values", "values.yaml", "-o", "out"]
    monkeypatch.setenv("BEAM_DISTILL_MASTER", "of-the-environment:8081")
    assert main(command) == 0
    text = (tmp_path / "out" / "submit.sh").read_text()
    monkeypatch.delenv("BEAM_DISTILL_MASTER")
    assert "\nflink=of-the-environment:8081\n" in text
    assert main([*command, "--set", "master=of-the-environment:8081"]) == 0
    assert (tmp_path / "out" / "submit.sh").read_text() == text


def test_launch_goes_to_the_master_that_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    a_config(tmp_path, master="localhost:9")
    assert main(["launch", "flink-rest", "--config", "job.yaml", "--set", "master=localhost:7"]) == 2
    said = capsys.readouterr().err
    assert "no Flink JobManager answers at http://localhost:7: ConnectionRefusedError:" in said
    assert "HTTPConnection" not in said


def test_the_script_asks_the_cluster_for_its_version(tmp_path: Path, job_manager: tuple[str, list[str]]) -> None:
    master, asked = job_manager
    script = rendered("flink-rest", a_config(tmp_path), f"master={master}") / "submit.sh"
    ended, arguments = run_script(tmp_path, script)
    assert ended.returncode != 0
    assert asked == ["/config", "/jars/upload"]
    assert "--flink_version=1.20" in arguments
    assert f"--master=http://{master}" in arguments


def test_a_flink_version_among_the_jobs_beam_options_wins(tmp_path: Path, job_manager: tuple[str, list[str]]) -> None:
    config = a_config(tmp_path, beam_options={"flink_version": "1.19"})
    _, arguments = run_script(tmp_path, rendered("flink-rest", config, f"master={job_manager[0]}") / "submit.sh")
    assert arguments[0] == "jar"
    assert not [word for word in arguments if word.startswith("--flink_version")]


def test_the_script_makes_no_jar_for_a_cluster_that_is_not_there(tmp_path: Path) -> None:
    ended, arguments = run_script(tmp_path, rendered("flink-rest", a_config(tmp_path), "master=localhost:9") / "submit.sh")
    assert ended.returncode == 2
    assert arguments == []
    assert "no Flink JobManager answers at http://localhost:9" in ended.stderr
    assert "--set master=" in ended.stderr


@pytest.mark.parametrize(("version", "wanted"), [(None, "1.19"), ("v1_20", "1.20"), ("v2_0", "2.0")])
def test_the_jar_in_a_pod_is_made_for_the_pods_flink(tmp_path: Path, version: str | None, wanted: str) -> None:
    sets = [] if version is None else [f"flink_version={version}", "flink_image=flink:X"]
    folder = rendered("flink-kubernetes", config_for("flink-kubernetes", tmp_path), *sets)
    deployment = yaml.safe_load((folder / "flinkdeployment.yaml").read_text())
    (made,) = deployment["spec"]["jobManager"]["podTemplate"]["spec"]["initContainers"]
    assert f"--flink_version={wanted}" in made["args"]
    assert "flink_version" not in (rendered("spark-kubernetes", config_for("spark-kubernetes", tmp_path)) / "sparkapplication.yaml").read_text()


def test_a_flink_version_without_a_job_server_of_beam_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(tmp_path / "train.jsonl", questions(2))
    with start_simulator(SimulatorSettings()) as simulator:
        config = a_config(
            tmp_path,
            train_file_path=str(tmp_path / "train.jsonl"),
            validation_file_path=None,
            generated_batch_validation_file_path=None,
            teacher_model_endpoint_url=simulator.base_url,
            api_key_env=None,
            shared_directories=str(tmp_path),
            worker_environment="external",
        )
        jar = ["jar", "--config", str(config), "--runner", "flink", "--flink_version=0.7", "-o", str(tmp_path / "job.jar")]
        assert main(jar) == 2
    said = capsys.readouterr().err
    assert "flink_version" in said
    assert "0.7" in said
    assert "1.20" in said
    assert "Traceback" not in said


def test_an_executor_has_as_many_cores_as_scoring_processes(tmp_path: Path) -> None:
    config = a_config(tmp_path, instance_count=2, max_concurrency_per_instance=3)
    words = (rendered("spark-submit", config) / "submit.sh").read_text().split()
    assert "spark.executor.cores=3" in words
    assert "spark.cores.max=6" in words
