"""Chain of thought: the request asks for short reasoning and then the answer, as one JSON object."""

from __future__ import annotations

from transforms.elements.rows import ChatMessage
from transforms.prompts.carry_over import ANSWER, carried_over
from transforms.prompts.listed_labels import labels_in
from transforms.prompts.single_turn import own_system_message

REASON = "reason"
ANSWER_CHOICE = "answer_choice"
NUMBER = "answer"


def with_reasoning(
    question: tuple[ChatMessage, ...], opening: str, key: str, form: str, form_of_labels: str | None = None
) -> tuple[ChatMessage, ...]:
    """A question whose system message, for the request only, asks for reasoning first.

    ``opening`` describes the task, ``form`` the value of ``key``. If the row's own system message lists the labels in
    quotes, ``form_of_labels`` replaces ``form``, with the labels at its end.
    """
    own, rest = own_system_message(question)
    parts = [opening]
    if own is not None:
        carried = carried_over(own)
        if carried.background:
            parts.append(f"{_BACKGROUND_BEGINS}\n{carried.background}")
        if carried.labels and form_of_labels is not None:
            form = form_of_labels + ", ".join(f'"{label}"' for label in carried.labels) + "."
        if carried.rules:
            rules = "\n".join(f"- {rule}" for rule in carried.rules).replace(ANSWER, f'"{key}"')
            form += f'\n{_RULES_BEGIN} of "{key}", and of "{key}" alone:\n{rules}'
    parts.append(_METHOD.replace("KEY", key) + form)
    if any(message.role == "assistant" for message in rest):
        parts.append("Earlier answers in this chat are worked examples in a shorter form; yours is the JSON object all the same.")
    return (ChatMessage("system", "\n\n".join(parts)), *rest)


def own_instructions(asked: tuple[ChatMessage, ...]) -> str:
    """The parts of the row's own system message in such a request: background, labels and rules."""
    system = asked[0].content if asked[0].role == "system" else ""
    before, method, after = system.partition(_METHOD_BEGINS)
    if not method:
        return system
    form, _, rules = after.partition(_METHOD_ENDS)[2].partition(_RULES_BEGIN)
    if labels_in(form):
        return form
    # the rules are also a list, but not of labels; and a list that they announce may be in the background
    rules = rules.partition("\n")[2].removeprefix("- ").replace("\n- ", "\n")
    background = before.partition(_BACKGROUND_BEGINS)[2].strip()
    return f"{before}{form}{rules}\n{background}"


_BACKGROUND_BEGINS = "About the task, from the person who set it:"
_RULES_BEGIN = "The person who set the task also asks this"
_METHOD_BEGINS, _METHOD_ENDS = "First work it out:", "what you settled on}"
_METHOD = """\
First work it out: a few short steps, each building on the one before, without repeating the question. Then check that the \
result follows from them, and settle on it.

Your whole reply is one JSON object, with no code fence and no text around it, and its two keys in this order:
{"reason": "your steps, in one short paragraph", "KEY": what you settled on}
"""
