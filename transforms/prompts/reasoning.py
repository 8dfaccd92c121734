"""What the teacher thought before it answered."""

from __future__ import annotations

from transforms.elements.replies import TeacherReply
from transforms.prompts.base import Prompt


def reasoning_of(prompt: Prompt, reply: TeacherReply) -> str | None:
    """The reasoning in one reply, None where it has none.

    The steps that a chain-of-thought request asked for come first: they lead to the answer that is kept. Else the endpoint's reasoning field,
    else the ``<think>`` block before the visible text.
    """
    text = reply.content or ""
    for found in (prompt.reason(text), reply.reasoning, think_block(text)):
        if found is not None and found.strip():
            return found.strip()
    return None


def think_block(text: str) -> str | None:
    """What stands before the last ``</think>``."""
    before, closed, _ = text.rpartition("</think>")
    return before.strip().removeprefix("<think>").strip() if closed else None
