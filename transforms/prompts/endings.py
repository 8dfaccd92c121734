"""Whether an answer is whole: by the word that ended it."""

from __future__ import annotations

import logging

from transforms.elements import reasons
from transforms.elements.failures import FailureKind
from transforms.elements.finish_reasons import Ending, ending_of
from transforms.elements.replies import TeacherReply
from transforms.prompts.base import AnswerRejected

_LOG = logging.getLogger(__name__)
_unknown: set[str] = set()
"""Words that this process has warned of."""


def check_ending(reply: TeacherReply) -> None:
    """Raises AnswerRejected unless the teacher says that its answer is complete."""
    ending = ending_of(reply.finish_reason)
    if ending is Ending.COMPLETE:
        return
    word = f"finish_reason {reply.finish_reason!r}"
    if ending is Ending.CUT_OFF:
        raise AnswerRejected(reasons.CUT_OFF_BY_LENGTH, _how_it_was_cut(reply))
    if ending is Ending.FILTERED:
        raise AnswerRejected(reasons.CONTENT_FILTERED, f"the endpoint's content filter withheld the answer ({word})")
    if ending is Ending.TOOL_CALLS:
        raise AnswerRejected(reasons.WANTS_TOOL, f"the teacher wants to call a tool instead of answering ({word}); no tool was offered")
    if ending is Ending.REPETITION:
        raise AnswerRejected(reasons.REPEATS_ITSELF, f"the server stopped the answer because it repeated itself ({word})")
    if ending is Ending.BROKEN_OFF:
        raise AnswerRejected(FailureKind.BROKEN_OFF.value, f"the server broke the answer off ({word})")
    _warn_once(str(reply.finish_reason))
    raise AnswerRejected(
        reasons.UNKNOWN_FINISH_REASON, f"{word} is not a known word for a complete answer, so the answer may not be whole; it is left out"
    )


def _how_it_was_cut(reply: TeacherReply) -> str:
    return f"the answer was cut off after {reply.completion_tokens or 'the allowed number of'} tokens; raise teacher_model_max_new_tokens"


def _warn_once(finish_reason: str) -> None:
    if finish_reason not in _unknown and len(_unknown) < 100:
        _unknown.add(finish_reason)
        _LOG.warning(
            "the endpoint ends answers with finish_reason %r, which is not a known word for a complete answer: they are left out "
            "(unknown_finish_reason)",
            finish_reason[:80],
        )
