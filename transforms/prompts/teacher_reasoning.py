"""The teacher's reasoning before its answer."""

from __future__ import annotations

from transforms.elements.replies import TeacherReply
from transforms.prompts.base import Prompt
from transforms.prompts.thinking import thought_in


def reasoning_of(prompt: Prompt, reply: TeacherReply) -> str | None:
    """The reasoning in one reply, None if it has none.

    The first of: the steps that a chain-of-thought request asked for, because they lead to the kept answer; the endpoint's separate field;
    the text in thinking marks before the visible text.
    """
    text = reply.content or ""
    for found in (prompt.reason(text), reply.reasoning, thought_in(text)):
        if found is not None and found.strip():
            return found.strip()
    return None
