"""What the teacher thought before it answered."""

from __future__ import annotations

from transforms.elements.replies import TeacherReply
from transforms.prompts.base import Prompt
from transforms.prompts.thinking import thought_in


def reasoning_of(prompt: Prompt, reply: TeacherReply) -> str | None:
    """The reasoning in one reply, None where it has none.

    The steps that a chain-of-thought request asked for come first: they lead to the answer that is kept. Else what the endpoint sets apart,
    else what is in the marks of thinking before the visible text.
    """
    text = reply.content or ""
    for found in (prompt.reason(text), reply.reasoning, thought_in(text)):
        if found is not None and found.strip():
            return found.strip()
    return None
