"""Chain of density (Adams et al. 2023): four summaries of the same length, each with more of the article in it."""

from __future__ import annotations

from transforms.elements.rows import ChatMessage
from transforms.prompts.carry_over import carried_over
from transforms.prompts.dense_rounds import DENSER_SUMMARY, MISSING_ENTITIES, ROUNDS
from transforms.prompts.single_turn import own_system_message


def with_density(question: tuple[ChatMessage, ...], max_len_summary: int) -> tuple[ChatMessage, ...]:
    """A question whose system message, for the request only, asks for denser and denser summaries of this length.

    It keeps the background of the row's own system message, but not its rules for form and length.
    """
    own, rest = own_system_message(question)
    background = carried_over(own).background if own is not None else ""
    system = _METHOD.format(rounds=ROUNDS, words=max_len_summary, missing=MISSING_ENTITIES, summary=DENSER_SUMMARY)
    if background:
        system += f"\n\nAbout the task, from the person who set it:\n{background}"
    return (ChatMessage("system", system), *rest)


_METHOD = """\
You summarize the article in the user's message. You do so in {rounds} rounds, and every round packs more of the article \
into the same space.

Round 1: write a summary that says in general terms what the article is about and names few of its details.
Every further round:
1. Compare your latest summary with the article and note one to three entities it lacks: people, places, organisations, \
figures, dates or events that matter to the story, are stated in the article and are not in the summary yet.
2. Rewrite the summary so that it holds these as well as all entities it held before. Win the room by merging sentences, \
by tighter wording and by cutting what says nothing; never by dropping an entity.

Every summary has at most {words} words, all have about the same length, and each can be understood by someone who has \
not seen the article. Say nothing that the article does not say.

Your whole reply is one JSON list of {rounds} objects, one for each round in order, with no code fence and no text \
around it. Every object has two keys:
"{missing}": the entities that this round adds, separated by semicolons
"{summary}": the summary of this round, as one string"""
