"""Our own workflow: its reader accepts it, and the part that uses the package as its users would runs as written."""

import shlex
import socket
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from builders import ROOT
from ci_machines import Service, run_github
from clean_environment import empty_environment, source_copy
from validators import github_objections

WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"


def test_the_workflow_passes_its_reader() -> None:
    assert not github_objections(WORKFLOW)


def test_it_tests_every_python_that_the_package_allows() -> None:
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    assert jobs["first-commands"]["strategy"]["matrix"]["python"] == ["3.10", "3.11", "3.12", "3.13"]
    assert 'python_requires=">=3.10,<3.14"' in (ROOT / "setup.py").read_text()
    commands = [step.get("run") for step in jobs["first-commands"]["steps"]]
    assert commands[-2:] == ["make demo", "make test"]


def test_lint_is_a_job_of_its_own() -> None:
    steps = yaml.safe_load(WORKFLOW.read_text())["jobs"]["lint"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["make lint"]
    lint = (ROOT / "Makefile").read_text().split("\nlint:")[1].split("\nbench:")[0]
    assert lint.startswith(" ruff types ")
    assert all(f"$(BIN)/{check}\n" in lint + "\n" for check in ("ruff check .", "ruff format --check .", "mypy"))


@pytest.mark.parametrize(("subject", "code"), [("x" * 72, 0), ("x" * 73, 1)])
def test_the_hook_of_pre_commit_counts_a_subjects_characters(tmp_path: Path, subject: str, code: int) -> None:
    (hooks,) = (repository["hooks"] for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"])
    (entry,) = (hook["entry"] for hook in hooks if hook["id"] == "subject")
    message = tmp_path / "message"
    message.write_text(f"{subject}\n\nWhy, which may be as long as it needs to be to be understood by whoever reads it later.\n")
    assert subprocess.run([*shlex.split(entry), str(message)]).returncode == code


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.slow
def test_the_users_part_runs_in_order(tmp_path: Path) -> None:
    repository = source_copy(tmp_path / "repository")
    service = Service(repository, tmp_path / "service", empty_environment(tmp_path / "machine"))
    ended = run_github(service, WORKFLOW, only="as-a-user")
    job = ended.jobs["as-a-user"]
    assert ended.exit_code == 0, job.output
    assert job.steps[-1].startswith("Keep")
    # the teacher that a step started in the background ended with the job; the system frees its port later
    deadline = time.monotonic() + 60
    while answers(8765):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (ended.artifacts / "as-a-user" / "out" / "train.jsonl").read_text().strip()
    assert list((ended.artifacts / "as-a-user" / "rendered").iterdir())
