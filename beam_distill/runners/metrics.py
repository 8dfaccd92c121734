"""The pipeline's counters and distributions as a runner reports them: by Beam's job service, or as Flink keeps them with its jobs."""

from __future__ import annotations

from typing import Any

import apache_beam as beam

from beam_distill.runners.beam_internals.results import metrics_in_answer
from transforms.counters import NAMESPACE


def counters_of(reported: Any) -> dict[str, int]:
    """Counters by name, summed over the stages. ``reported`` is Beam's MetricResults."""
    values: dict[str, int] = {}
    for counter in _ours(reported)["counters"]:
        name = counter.key.metric.name
        values[name] = values.get(name, 0) + int(counter.result)
    return values


def metrics_of(reported: Any) -> dict[str, Any]:
    """Counters, and count, mean, least and most of each distribution, in order of their names."""
    values: dict[str, Any] = dict(counters_of(reported))
    for distribution in _ours(reported)["distributions"]:
        found = distribution.result
        if found is not None and found.count:
            values[distribution.key.metric.name] = {
                "count": found.count,
                "mean": round(found.mean, 1),
                "min": found.min,
                "max": found.max,
            }
    return dict(sorted(values.items()))


def metrics_from_answer(answer: Any) -> dict[str, Any]:
    """The metrics in a job service's answer: GetJobMetricsResponse, or the same as JSON, which is how Beam's Flink runner keeps it."""
    return metrics_of(metrics_in_answer(answer))


def _ours(reported: Any) -> Any:
    return reported.query(beam.metrics.MetricsFilter().with_namespace(NAMESPACE))
