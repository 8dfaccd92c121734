"""Says it early when too many answers are cut off by length."""

from __future__ import annotations

import logging

from transforms.elements.replies import TeacherReply

log = logging.getLogger("beam_distill.teacher")

SAMPLE = 50
"""Answers looked at: fewer say too little, more come late."""


class LengthWatch:
    """Looks at the first answers. ``max_new_tokens`` is their limit."""

    def __init__(self, max_new_tokens: int) -> None:
        self._max_new_tokens = max_new_tokens
        self._seen = 0
        self._cut_off = 0

    def answered(self, reply: TeacherReply) -> None:
        """One more answer."""
        if self._seen >= SAMPLE:
            return
        self._seen += 1
        self._cut_off += reply.finish_reason == "length"
        if self._seen == SAMPLE and self._cut_off * 10 > SAMPLE:
            log.warning(
                "%d of the first %d answers are cut off by length: set teacher_model_max_new_tokens above %d "
                "(cut-off answers become rejects and count against the success ratio; a run with a higher limit sends only these rows again)",
                self._cut_off,
                SAMPLE,
                self._max_new_tokens,
            )
