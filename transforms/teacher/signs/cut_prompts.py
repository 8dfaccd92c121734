"""Sign: the server read only a part of a long prompt, and answered with status 200.

Ollama (``num_ctx``) and servers with a moving context do this. ``usage.prompt_tokens`` then counts only the part.
"""

from __future__ import annotations

import logging
import re
from collections import Counter

from transforms.elements.counter_names import PROMPTS_CUT
from transforms.elements.replies import TeacherReply
from transforms.teacher.in_progress import RowInProgress

log = logging.getLogger("beam_distill.teacher")

MOST_CHARACTERS_PER_TOKEN = 10
"""English has 4 to 5 in every common vocabulary, and up to 7 in those with tokens of several words; other languages and code have fewer."""
LEAST_TOKENS = 256
"""No model is served with a shorter context: a lower count is not a real one."""
_RUN = re.compile(r"\s+|([^\w\s]|_)\1+|(\w)\2{4,}")
"""What vocabularies have in long tokens of their own: spaces, and one character again and again."""


class CutPrompts:
    """The long prompts of one endpoint."""

    def __init__(self) -> None:
        self._most_tokens = 0
        self._warned = False

    def look(self, row: RowInProgress, reply: TeacherReply, counts: Counter[str]) -> None:
        """Count this prompt, if it has more text than its tokens can hold."""
        tokens = reply.prompt_tokens
        if tokens is None or tokens < LEAST_TOKENS:
            return
        if tokens > self._most_tokens:
            self._most_tokens = tokens
        if len(row.body) <= tokens * MOST_CHARACTERS_PER_TOKEN or self._may_be_cached(tokens, reply.cached_tokens):
            return
        characters = sum(len(_RUN.sub(" ", message.content)) for turn in row.request.turns[: row.turn + 1] for message in turn)
        if characters <= tokens * MOST_CHARACTERS_PER_TOKEN:
            return
        counts[PROMPTS_CUT] += 1
        if not self._warned:
            self._warned = True
            log.warning("the server reports %d tokens for a prompt of %d characters: it seems to cut long prompts", tokens, characters)

    def _may_be_cached(self, tokens: int, cached: int) -> bool:
        """Some servers do not count what they have cached. Such a prompt is much shorter than the longest, a cut one is about as long."""
        return cached >= tokens or 2 * tokens < self._most_tokens
