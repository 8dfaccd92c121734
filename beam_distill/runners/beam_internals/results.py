"""What a pipeline that was submitted can be asked: Beam's portable result keeps its job's id and its first metrics to itself."""

from __future__ import annotations

from typing import Any


def job_id_of(result: Any) -> str:
    """The id under which the job service knows the job."""
    return str(result._job_id)


def metrics_of_now(result: Any) -> Any:
    """Beam's MetricResults as they are now: its portable result keeps the first answer it gets, which is that of a job that has only begun."""
    result._metrics = None
    return result.metrics()


def metrics_in_answer(answer: Any) -> Any:
    """Beam's MetricResults in a job service's GetJobMetricsResponse, or in the same as JSON, which is how Beam's Flink runner keeps it."""
    # late: keeps Beam out of the start
    from apache_beam.portability.api import beam_job_api_pb2
    from apache_beam.runners.portability.portable_runner import PortableMetrics

    if isinstance(answer, str):
        # late: keeps protobuf out of the start
        from google.protobuf import json_format  # type: ignore[import-untyped]

        answer = json_format.Parse(answer, beam_job_api_pb2.GetJobMetricsResponse())
    return PortableMetrics(answer)
