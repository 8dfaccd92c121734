"""A pool's answers by endpoint, and the endpoints that were taken out, from the counters of the scoring processes."""

from __future__ import annotations

from typing import Any

from transforms.elements.counted import counted
from transforms.elements.counter_names import ANSWERS_BY, REFUSED_BY
from transforms.elements.failures import FailureKind
from transforms.elements.reasons import explanation


def answers_by_endpoint(metrics: dict[str, Any]) -> dict[str, int]:
    """Answers of this run by the endpoint's name, the most first; empty with a single endpoint."""
    found = {name.removeprefix(ANSWERS_BY): count for name, count in metrics.items() if name.startswith(ANSWERS_BY)}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def refused_by_endpoint(metrics: dict[str, Any]) -> dict[str, FailureKind]:
    """Why endpoints were taken out, by name."""
    found = {}
    for name, count in metrics.items():
        for kind in FailureKind:
            start = f"{REFUSED_BY}{kind.value}_"
            if name.startswith(start) and count:
                found[name.removeprefix(start)] = kind
    return dict(sorted(found.items()))


def endpoints_line(metrics: dict[str, Any]) -> str:
    """Answers by endpoint as text; empty with a single endpoint."""
    return "; ".join(f"{name} {counted(count, 'answer')}" for name, count in answers_by_endpoint(metrics).items())


def endpoint_warnings(metrics: dict[str, Any]) -> list[str]:
    """A sentence for each endpoint that was taken out."""
    return [
        f"the endpoint {name} was not used again, because it refused ({kind.value}); the others continued. {explanation(kind.value)}"
        for name, kind in refused_by_endpoint(metrics).items()
    ]
