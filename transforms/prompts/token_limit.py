"""Whether an answer ended at the token limit it was asked with: only then may a higher limit give more."""

from __future__ import annotations

from transforms.elements.finish_reasons import NEARLY, Ending, ending_of, reached_limit
from transforms.elements.replies import TeacherReply
from transforms.prompts.thinking import ends_while_thinking


def is_cut_off(reply: TeacherReply) -> bool:
    """Whether the reply says that it was cut off, by whatever limit."""
    return ending_of(reply.finish_reason) is Ending.CUT_OFF


def ended_at_limit(reply: TeacherReply, limit: int) -> bool:
    """Whether ``limit`` tokens, with which the reply was asked for, ended it rather than the teacher or the model's context.

    Fewer tokens than the limit mean the context, or a limit of the server's own. Where tokens are not counted, a reply that was cut off
    counts as cut off at the limit; so does one without a word for its end, or without an end to its thinking, for nothing says that it
    is whole.
    """
    written = reply.completion_tokens
    if is_cut_off(reply):
        return reached_limit(reply.finish_reason, written, limit)
    if written and written < limit * NEARLY:
        return False
    if not (reply.finish_reason or "").strip():
        return True
    return ending_of(reply.finish_reason) is Ending.COMPLETE and ends_while_thinking(reply.content, reply.reasoning)
