"""Sign: an answer has exactly as many tokens as it may have, and says that it is complete. Some servers call every end a stop."""

from __future__ import annotations

from collections import Counter

from transforms.elements.counter_names import STOPPED_AT_LIMIT
from transforms.elements.finish_reasons import Ending, ending_of
from transforms.elements.replies import TeacherReply
from transforms.teacher.in_progress import RowInProgress

LEAST_LIMIT = 64
"""With a lower limit, such as for a label, answers have that number of tokens by chance."""


class StoppedAtLimit:
    """The answers of one endpoint at the limit, which is ``max_new_tokens`` or the reply's own."""

    def __init__(self, max_new_tokens: int) -> None:
        self._max_new_tokens = max_new_tokens

    def look(self, row: RowInProgress, reply: TeacherReply, counts: Counter[str]) -> None:
        """Count this answer, if it ends at the limit and does not say so."""
        limit = reply.token_limit or self._max_new_tokens
        if reply.completion_tokens == limit >= LEAST_LIMIT and ending_of(reply.finish_reason) is Ending.COMPLETE:
            counts[STOPPED_AT_LIMIT] += 1
