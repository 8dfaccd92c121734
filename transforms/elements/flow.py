"""What crosses from one stage to the next.

A reject travels inside each of these types, beside the rows that go on, instead of on an output of its own: every output that is put back
together later is a place where the runner would keep the whole collection.
"""

from __future__ import annotations

from typing import TypeAlias, Union

from transforms.elements.replies import ScoredRow, TeacherReply
from transforms.elements.rows import PromptRequest, RejectedRow, TrainingRow

Row: TypeAlias = Union[TrainingRow, RejectedRow]
"""From ReadTrainingRows."""
Asked: TypeAlias = Union[PromptRequest, RejectedRow]
"""From FormatPrompts."""
Pending: TypeAlias = tuple[PromptRequest, tuple[TeacherReply, ...]]
"""A request that is still to be sent, and the replies to its first turns that the ledger has."""
PendingOrDone: TypeAlias = Union[Pending, ScoredRow, RejectedRow]
"""From DropAnswered."""
Batch: TypeAlias = Union[list[Pending], ScoredRow, RejectedRow]
"""From BatchBySize."""
Scored: TypeAlias = Union[ScoredRow, RejectedRow]
"""From ScoreWithTeacher."""
