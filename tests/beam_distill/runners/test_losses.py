"""Messages about a cluster that failed a job, and about lost scoring processes."""

import json
from pathlib import Path

import grpc
import pytest

from beam_distill.after_run.read_result import with_losses
from beam_distill.after_run.result import RunResult, summary_text
from beam_distill.exit_codes import ExitCode
from beam_distill.runners.failures import reported_by_runner
from transforms.elements.tally import Verdict


def a_process_told(work_dir: Path, run: str, still_open: int) -> None:
    control = work_dir / "staging" / run / "control"
    control.mkdir(parents=True, exist_ok=True)
    (control / f"open-host-{still_open}.json").write_text(json.dumps({"open": still_open}))


def test_what_a_failed_run_lost_is_reported_by_it_and_by_the_next_one(tmp_path: Path) -> None:
    a_process_told(tmp_path, "run-1", 7)
    a_process_told(tmp_path, "run-1", 0)
    (tmp_path / "staging" / "run-1" / "train").write_text("a dataset that was not finished")
    failed = with_losses(RunResult(ExitCode.DEFECT, "the JobManager is gone", "run-1", str(tmp_path)))
    assert (failed.processes_lost, failed.open_when_lost) == (1, 7)
    assert not (tmp_path / "staging" / "run-1" / "train").exists()
    a_process_told(tmp_path, "run-2", 0)
    ended = with_losses(RunResult(ExitCode.PUBLISHED, "", "run-2", str(tmp_path), verdict=Verdict((), None)))
    assert (ended.processes_lost, ended.open_when_lost) == (1, 7)
    assert "had 7 requests open" in summary_text(ended)
    assert not (tmp_path / "staging").exists()
    after = with_losses(RunResult(ExitCode.PUBLISHED, "", "run-3", str(tmp_path), verdict=Verdict((), None)))
    assert (after.processes_lost, after.open_when_lost) == (0, 0)


WORKERS_WORD = """FAILED: java.lang.RuntimeException: Error received from SDK harness for instruction 2: Traceback (most recent call last):
  File "worker.py", line 1, in process
    raise ValueError("no such thing")
ValueError: no such thing

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
RuntimeError: no such thing [while running 'read']"""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("Pipeline job-1 failed in state FAILED: no resources"), "the runner failed the job: FAILED: no resources"),
        (
            RuntimeError(f"Pipeline job-1 failed in state {WORKERS_WORD}"),
            f"the runner failed the job: ValueError: no such thing\n{WORKERS_WORD}\n",
        ),
        (grpc.RpcError(), "the job server no longer answers (RpcError)"),
        (RuntimeError("something else"), None),
        (ValueError("failed in state"), None),
    ],
)
def test_a_runners_failure_is_distinguished_from_ours(error: Exception, said: str | None) -> None:
    assert reported_by_runner(error) == said
