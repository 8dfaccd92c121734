"""How a row goes on after a reply. The rules of a run decide it; the engine only asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from transforms.elements.replies import TeacherReply
from transforms.elements.rows import PromptRequest
from transforms.teacher.enough import AcceptedRows
from transforms.teacher.judging import Question
from transforms.teacher.samples import NextSample
from transforms.teacher.verdict_watch import VerdictFault

NextTurn = Callable[[PromptRequest, tuple[TeacherReply, ...]], "tuple[str, ...] | None"]
"""From all replies so far: the answers for the next turn, or None when the row is done (or cannot continue)."""


class RowSteps(NamedTuple):
    """How a row goes on: from turn to turn, to the judge if there is one, and from sample to sample where it may have several.

    ``examine`` takes the replies to a sample before ``next_sample`` does, on a thread of its own: what takes time is done and remembered there.
    """

    next_turn: NextTurn
    next_sample: NextSample | None = None
    examine: Callable[[PromptRequest, tuple[TeacherReply, ...]], object] | None = None
    question: Question | None = None
    verdict_fault: VerdictFault = lambda _: None
    accepted: AcceptedRows | None = None
