"""What a run left out of its requests because the teacher does not take it, read from the counters of its scoring processes."""

from __future__ import annotations

from typing import Any

from transforms.counters import LEFT_OUT
from transforms.teacher.adaptation import SYSTEM

_MERGED = "system messages (they went in front of the first user message)"


def left_out(metrics: dict[str, Any]) -> list[str]:
    """Names of fields of the request, ``system`` for the system role."""
    return sorted(name.removeprefix(LEFT_OUT) for name, count in metrics.items() if name.startswith(LEFT_OUT) and count)


def left_out_warnings(metrics: dict[str, Any]) -> list[str]:
    """A sentence for a person; none where everything was taken."""
    names = [_MERGED if name == SYSTEM else name for name in left_out(metrics)]
    if not names:
        return []
    return [f"the teacher does not take {' and '.join(names)}: requests went without. Rerun with the same settings keeps these answers"]
