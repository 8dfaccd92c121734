"""submit.sh of the Kubernetes targets, run as written against a kubectl with set answers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rendering import config_for, rendered

KUBECTL = f"""#!{sys.executable}
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
call = " ".join(sys.argv[1:])
given = sys.stdin.read() if call.endswith("-f -") else ""
with open(folder / "calls.jsonl", "a") as calls:
    calls.write(json.dumps([call, given]) + "\\n")
for part, answer in json.loads((folder / "answers.json").read_text()):
    if part in call:
        print(answer, end="")
        break
"""
STATE = {"flink-kubernetes": "jobStatus.state", "spark-kubernetes": "applicationState.state"}
POD = {"flink-kubernetes": "app=beam-distill", "spark-kubernetes": "sparkoperator.k8s.io/app-name=beam-distill"}
TARGETS = sorted(STATE)


def submitted(target: str, folder: Path, answers: list[tuple[str, str]]) -> tuple[int, str, list[tuple[str, str]]]:
    """Exit code, what was printed, and the calls with what they were given."""
    script = rendered(target, config_for(target, folder), "look_every_s=0", "stuck_after_s=0") / "submit.sh"
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    (bin_folder / "kubectl").write_text(KUBECTL)
    (bin_folder / "kubectl").chmod(0o755)
    (bin_folder / "answers.json").write_text(json.dumps(answers))
    environment = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"}
    ended = subprocess.run(["bash", script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    calls = [tuple(json.loads(line)) for line in (bin_folder / "calls.jsonl").read_text().splitlines()]
    return ended.returncode, ended.stdout, calls


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("code", [0, 3])
def test_the_verdict_is_the_exit_code(target: str, code: int, tmp_path: Path) -> None:
    said = "FINISHED" if target == "flink-kubernetes" else "COMPLETED"
    answers = [(STATE[target], said), ("terminated.exitCode", str(code)), ("logs job/beam-distill-verdict", "the summary")]
    ended, printed, calls = submitted(target, tmp_path, answers)
    assert ended == code
    assert said in printed
    assert "the summary" in printed
    (verdict_job,) = [given for call, given in calls if given]
    assert f"--ended={said}]" in verdict_job


@pytest.mark.parametrize("target", TARGETS)
def test_a_failed_job_is_reported_as_failed(target: str, tmp_path: Path) -> None:
    ended, _, calls = submitted(target, tmp_path, [(STATE[target], "FAILED"), ("terminated.exitCode", "1")])
    assert ended == 1
    assert any("--ended=FAILED]" in given for _, given in calls)


def test_a_deployment_in_error_ends_the_waiting(tmp_path: Path) -> None:
    answers = [("jobManagerDeploymentStatus", "ERROR"), (".status.error", "no such image"), ("terminated.exitCode", "1")]
    ended, printed, _ = submitted("flink-kubernetes", tmp_path, answers)
    assert ended == 1
    assert "no such image" in printed


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("pod", ["make-jar 4 CrashLoopBackOff\n", "spark 0 ImagePullBackOff\n"], ids=["refuses", "no image"])
def test_pods_that_cannot_start_end_the_waiting(target: str, pod: str, tmp_path: Path) -> None:
    container = pod.split()[0]
    answers = [(f"get pods --selector {POD[target]}", pod), (f"logs --selector {POD[target]} --container {container}", "the key is wrong")]
    ended, printed, _ = submitted(target, tmp_path, answers)
    assert ended == 1
    assert f"container {container}" in printed
    assert "the key is wrong" in printed


def test_an_unreadable_verdict_ends_the_waiting(tmp_path: Path) -> None:
    answers = [("jobStatus.state", "FINISHED"), ("terminated.exitCode", ""), ("get pods --selector job-name", "verdict 0 ErrImagePull\n")]
    ended, printed, _ = submitted("flink-kubernetes", tmp_path, answers)
    assert ended == 1
    assert "container verdict (ErrImagePull)" in printed
