"""merged_system: messages for students whose chat template has no system role, such as Phi-3-medium."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from transforms.students.base import Turn
from transforms.students.messages import Messages


class MergedSystem(Messages):
    """The system message begins the first user message; later turns of a conversation are unchanged."""

    has_system_role: ClassVar[bool] = False

    def row(self, turns: Sequence[Turn]) -> dict[str, Any]:
        """The chat without a system message."""
        return super().row(without_system(turns))


def without_system(turns: Sequence[Turn]) -> Sequence[Turn]:
    """The turns with the system message at the beginning of the first user message."""
    if turns[0].role != "system" or len(turns) == 1:
        return turns
    system, first, *rest = turns
    return [Turn("user", f"{system.content}\n\n{first.content}" if system.content.strip() else first.content), *rest]
