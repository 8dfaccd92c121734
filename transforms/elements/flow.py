"""The element types between the stages.

Each of these types can be a reject. Rejects have no separate output, because the runner would keep the whole collection wherever outputs are
merged again.
"""

from __future__ import annotations

from typing import TypeAlias, Union

from transforms.elements.replies import ScoredRow, TeacherReply
from transforms.elements.rows import PromptRequest, RejectedRow, TrainingRow

Row: TypeAlias = Union[TrainingRow, RejectedRow]
"""From ReadParts."""
Asked: TypeAlias = Union[PromptRequest, RejectedRow]
"""From FormatPrompts."""
Pending: TypeAlias = tuple[PromptRequest, tuple[TeacherReply, ...]]
"""A request to send, and the ledger's replies to its first turns."""
PendingOrDone: TypeAlias = Union[Pending, ScoredRow, RejectedRow]
"""From DropAnswered."""
Batch: TypeAlias = Union[list[Pending], ScoredRow, RejectedRow]
"""From BatchBySize."""
Scored: TypeAlias = Union[ScoredRow, RejectedRow]
"""From ScoreWithTeacher."""
