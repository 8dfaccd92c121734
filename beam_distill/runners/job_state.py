"""The state of a submitted job, from its runner."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.runners.flink_rest import FlinkRest, FlinkUnreachable
from beam_distill.work_dir.submission import Submission, read_submission

if TYPE_CHECKING:
    pass

log = logging.getLogger("beam_distill")

ENDED = frozenset({"DONE", "FAILED", "CANCELLED", "DRAINED", "UNKNOWN"})
_OF_FLINK = {"FINISHED": "DONE", "FAILED": "FAILED", "CANCELED": "CANCELLED", "SUSPENDED": "FAILED"}
UNREACHABLE = "UNREACHABLE"


def state_of(submission: Submission) -> str:
    """The job's state from its runner, with Beam's names (RUNNING, DONE, FAILED, CANCELLED ...).

    UNKNOWN when the runner does not know the job (any more), UNREACHABLE when it does not answer.
    """
    if not submission.master or not submission.job_id:
        return "UNKNOWN"
    if submission.runner == "flink":
        try:
            state = FlinkRest(submission.master).state(submission.job_id)
        except FlinkUnreachable:
            return UNREACHABLE
        return "UNKNOWN" if state is None else _OF_FLINK.get(state, "RUNNING")
    return _state_from_job_server(submission)


def refuse_while_detached(work_dir: str) -> None:
    """Raise RunRefused while a submitted job still works in this work_dir."""
    submission = read_submission(work_dir)
    if submission is None:
        return
    state = state_of(submission)
    if state not in ENDED:
        raise RunRefused(
            ExitCode.WRONG_INPUT,
            f"work_dir: the job {submission.job_id} on {submission.master} is {state} and works in {work_dir}; wait for it "
            "(beam-distill status), cancel it, or give this run another work_dir",
        )


def reported_metrics(submission: Submission) -> dict[str, Any]:
    """The job's metrics from the runner; empty if it has none (any more), or does not answer."""
    # late: keeps Beam out of the start
    from beam_distill.runners.metrics import metrics_from_answer

    if not submission.master or not submission.job_id:
        return {}
    try:
        if submission.runner == "flink":
            reported = FlinkRest(submission.master).beam_metrics(submission.job_id)
            return {} if reported is None else metrics_from_answer(reported)
        return metrics_from_answer(_ask_job_server(submission, "GetJobMetrics"))
    except Exception as error:  # noqa: BLE001 - counters are only information; the verdict comes from the files
        log.info("the runner reports no counters of the job: %s", error)
        return {}


def _state_from_job_server(submission: Submission) -> str:
    # late: keeps Beam and gRPC out of the start
    import grpc
    from apache_beam.portability.api import beam_job_api_pb2

    try:
        answer = _ask_job_server(submission, "GetState")
    except grpc.RpcError as error:
        return UNREACHABLE if error.code() is grpc.StatusCode.UNAVAILABLE else "UNKNOWN"
    return str(beam_job_api_pb2.JobState.Enum.Name(answer.state))


def _ask_job_server(submission: Submission, question: str) -> Any:
    # late: keeps Beam and gRPC out of the start
    import grpc
    from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

    request = {"GetState": beam_job_api_pb2.GetJobStateRequest, "GetJobMetrics": beam_job_api_pb2.GetJobMetricsRequest}[question]
    with grpc.insecure_channel(submission.master) as channel:
        stub = beam_job_api_pb2_grpc.JobServiceStub(channel)
        return getattr(stub, question)(request(job_id=submission.job_id), timeout=10)
