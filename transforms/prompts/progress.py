"""The answer in a reply, and the next turn of a row, for scoring and for look-ups on the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from transforms.elements.finish_reasons import Ending, ending_of
from transforms.elements.replies import TeacherReply
from transforms.elements.rows import ChatMessage, PromptRequest
from transforms.prompts.base import AnswerRejected, Prompt
from transforms.prompts.endings import whole_text
from transforms.prompts.lost_characters import refuse_lost_characters

FindReplies = Callable[[PromptRequest, int, "tuple[str, ...]"], Iterable[TeacherReply]]
"""Looks up the replies to one turn of a request, given the answers to the turns before it; the current one comes first."""


def extract_answer(prompt: Prompt, asked: tuple[ChatMessage, ...], reply: TeacherReply) -> str:
    """The answer in the reply to the messages of one turn. Raises AnswerRejected with the reason."""
    answer = prompt.extract(whole_text(reply, prompt.rules.max_new_tokens), asked)
    refuse_lost_characters(answer, asked)
    return answer


def answers_for_next_turn(prompt: Prompt, request: PromptRequest, replies: tuple[TeacherReply, ...]) -> tuple[str, ...] | None:
    """The answers so far if there is another turn to ask; None if the row is complete or cannot continue."""
    if len(replies) >= len(request.turns):
        return None
    try:
        return tuple(extract_answer(prompt, request.turns[reply.turn], reply) for reply in replies)
    except AnswerRejected:
        return None


def replies_on_ledger(
    prompt: Prompt, request: PromptRequest, find: FindReplies, replies: tuple[TeacherReply, ...] = ()
) -> tuple[tuple[TeacherReply, ...], bool]:
    """The ledger's replies to a request, and whether they are complete; ``replies`` are those to its first turns.

    A turn that two workers asked has two replies, and the conversation may have continued from either: the first path that reaches
    the end is used, else the longest.
    """
    answers = answers_for_next_turn(prompt, request, replies)
    if answers is None:
        return replies, True
    longest = replies
    for reply in find(request, len(replies), answers):
        if ending_of(reply.finish_reason) is Ending.BROKEN_OFF:
            continue  # recorded before such answers counted as failures: sent again
        found, complete = replies_on_ledger(prompt, request, find, (*replies, reply))
        if complete:
            return found, True
        if len(found) > len(longest):
            longest = found
    return longest, False
