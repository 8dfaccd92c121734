"""The fields that a run left out because the teacher refuses them, from the counters of its scoring processes."""

from __future__ import annotations

from typing import Any

from transforms.elements.counter_names import LEFT_OUT
from transforms.teacher.adaptation import SYSTEM


def left_out(metrics: dict[str, Any]) -> list[str]:
    """Names of fields of the request, ``system`` for the system role."""
    return sorted(name.removeprefix(LEFT_OUT) for name, count in metrics.items() if name.startswith(LEFT_OUT) and count)


def left_out_warnings(metrics: dict[str, Any]) -> list[str]:
    """Warnings for the user; empty if everything was accepted."""
    names = left_out(metrics)
    fields = [name for name in names if name != SYSTEM]
    warnings = [f"the teacher refuses {', '.join(fields)}: requests were sent without"] if fields else []
    if SYSTEM in names:
        warnings.append("the teacher refuses system messages: they were merged into the first user message; datasets keep them unchanged")
    return warnings
