"""Warnings about an input that is valid but probably not intended: mostly unreadable, or very few rows."""

from __future__ import annotations

from transforms.elements.counted import counted
from transforms.elements.tasks import FEWEST_ROWS, TaskType

LARGEST_UNREADABLE_SHARE = 0.01
"""Up to this share, bad lines are only listed by reason."""


def input_warnings(split: str, rows: int, readable: int, asked: int, task: TaskType, limited: bool, minimum_readable_ratio: float) -> list[str]:
    """Warnings about one split of ``rows`` lines, of which ``readable`` could be sent and ``asked`` are not left out. ``limited``: the job uses
    only the first rows."""
    warnings = []
    unreadable = rows - readable
    if readable and unreadable >= LARGEST_UNREADABLE_SHARE * rows:
        warning = f"{split}: {unreadable:,} of {counted(rows, 'row')} ({unreadable / rows:.1%}) cannot be read or sent: they give no example"
        if readable < minimum_readable_ratio * rows:
            warning += f"; below min_readable_ratio ({minimum_readable_ratio:.1%} of the rows readable) nothing is published"
        warnings.append(warning)
    if 0 < asked < task.fewest_rows and not limited:
        others = [f"{other.fewest_rows} for {other.value}" for other in TaskType if other.fewest_rows != FEWEST_ROWS]
        warnings.append(
            f"{split}: {counted(asked, 'row')} to ask, fewer than the {task.fewest_rows} that Azure ML's distillation component asks for "
            f"({', '.join([str(FEWEST_ROWS), *others])})"
        )
    return warnings
