"""Warns early when too many answers are cut off by length."""

from __future__ import annotations

import logging

from transforms.elements.finish_reasons import Ending, ending_of, reached_limit
from transforms.elements.replies import TeacherReply

log = logging.getLogger("beam_distill.teacher")

SAMPLE = 50
"""Answers to check: fewer are not significant, more come late."""
TOO_MANY = 6
"""The share of them that causes a warning."""


class LengthWatch:
    """Checks the first answers. ``max_new_tokens`` is their limit, ``setting`` its name, ``what`` theirs."""

    def __init__(self, max_new_tokens: int, setting: str = "teacher_model_max_new_tokens", what: str = "answers") -> None:
        self._what = what
        self._max_new_tokens = max_new_tokens
        self._setting = setting
        self._seen = 0
        self._at_limit = 0
        self._below_limit = 0

    def answered(self, reply: TeacherReply) -> None:
        """One more answer."""
        if self._seen >= SAMPLE:
            return
        self._seen += 1
        if ending_of(reply.finish_reason) is Ending.CUT_OFF:
            if reached_limit(reply.finish_reason, reply.completion_tokens, reply.token_limit or self._max_new_tokens):
                self._at_limit += 1
            else:
                self._below_limit += 1
        if self._seen == SAMPLE:
            self._warn()

    def _warn(self) -> None:
        if self._at_limit >= TOO_MANY:
            log.warning(
                "%d of the first %d %s are cut off by length: set %s above %d "
                "(their rows become rejects; a run with a higher limit sends only these again)",
                self._at_limit,
                SAMPLE,
                self._what,
                self._setting,
                self._max_new_tokens,
            )
        if self._below_limit >= TOO_MANY:
            log.warning(
                "%d of the first %d %s are cut off by length below %s (%d), which a higher one does not change: "
                "prompt and answer fill the model's context, or the server has a limit of its own. Serve the model with a longer context "
                "(num_ctx of Ollama, --ctx-size of llama.cpp, --max-model-len of vLLM), or shorten the rows",
                self._below_limit,
                SAMPLE,
                self._what,
                self._setting,
                self._max_new_tokens,
            )
