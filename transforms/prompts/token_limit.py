"""Whether an answer ended at the token limit of its request: only then can a higher limit give more."""

from __future__ import annotations

from transforms.elements.finish_reasons import NEARLY, Ending, ending_of, reached_limit
from transforms.elements.replies import TeacherReply
from transforms.prompts.repetition import looped_end
from transforms.prompts.thinking import ends_while_thinking


def is_cut_off(reply: TeacherReply) -> bool:
    """Whether the reply says that it was cut off, by whatever limit."""
    return ending_of(reply.finish_reason) is Ending.CUT_OFF


def ended_at_limit(reply: TeacherReply, limit: int) -> bool:
    """Whether the request's ``limit`` of tokens ended the reply, and not the teacher or the model's context.

    A loop would fill any limit. Fewer tokens than the limit mean the context, or the server's own limit. Without a token count, a reply
    that was cut off counts as cut off at the limit. So does one without a finish_reason, or with unfinished thinking, because it may
    not be complete.
    """
    written = reply.completion_tokens
    if is_cut_off(reply):
        if looped_end(reply.content or reply.reasoning or "") is not None:
            return False
        return reached_limit(reply.finish_reason, written, limit)
    if written and written < limit * NEARLY:
        return False
    if not (reply.finish_reason or "").strip():
        return True
    return ending_of(reply.finish_reason) is Ending.COMPLETE and ends_while_thinking(reply.content, reply.reasoning)
