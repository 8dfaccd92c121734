"""Warns early when the judge's replies have no score: each one is paid for and refuses its answer."""

from __future__ import annotations

import logging
from collections.abc import Callable

from transforms.elements.replies import TeacherReply

log = logging.getLogger("beam_distill.teacher")

SAMPLE = 20
TOO_MANY = 10
"""The part of them that causes a warning."""

VerdictFault = Callable[[TeacherReply], "str | None"]
"""Why a reply of the judge has no certain score; None if it has one."""


class VerdictWatch:
    """Checks the first verdicts."""

    def __init__(self, fault_of: VerdictFault) -> None:
        self._fault_of = fault_of
        self._seen = 0
        self._without_score = 0

    def answered(self, verdict: TeacherReply) -> None:
        """One more verdict."""
        if self._seen >= SAMPLE:
            return
        self._seen += 1
        fault = self._fault_of(verdict)
        self._without_score += fault is not None
        if fault is not None and self._without_score == TOO_MANY:
            log.warning(
                "%d of the first %d verdicts have no score, so their answers are refused. The latest: %s. Look at judge_model, judge_rubric and "
                "judge_max_new_tokens; Ctrl-C ends the run, and the teacher's answers are kept",
                TOO_MANY,
                self._seen,
                fault,
            )
