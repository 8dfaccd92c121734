"""merged_system: messages for students whose chat template has no system role, such as Phi-3-medium."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transforms.students.base import Turn
from transforms.students.messages import Messages


class MergedSystem(Messages):
    """The system message begins the first user message; later turns of a conversation are unchanged."""

    def row(self, turns: Sequence[Turn]) -> dict[str, Any]:
        """The chat without a system message."""
        if turns[0].role == "system" and len(turns) > 1:
            system, first, *rest = turns
            turns = [Turn("user", f"{system.content}\n\n{first.content}" if system.content.strip() else first.content), *rest]
        return super().row(turns)
