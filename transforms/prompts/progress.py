"""How far a row has come: which turn is next, and what the finished row amounts to.

The one place that says what replies mean, used while scoring, when the ledger is consulted, and when datasets are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from transforms.elements import reasons
from transforms.elements.finish_reasons import Ending, ending_of
from transforms.elements.replies import ScoredRow, TeacherReply
from transforms.elements.rows import DistilledExample, PromptRequest, RejectedRow
from transforms.prompts.base import AnswerRejected, Prompt
from transforms.prompts.endings import check_ending

FindReplies = Callable[[PromptRequest, int, "tuple[str, ...]"], Iterable[TeacherReply]]
"""Looks up the replies to one turn of a request, given the answers to the turns before it; the one that stands first comes first."""

LONGEST_RAW_ANSWER = 20_000


def extract_answer(prompt: Prompt, reply: TeacherReply) -> str:
    """The answer in one reply. Raises AnswerRejected with the reason."""
    check_ending(reply)
    if reply.content is None:
        raise AnswerRejected(reasons.EMPTY_ANSWER, "the teacher sent no content")
    return prompt.extract(reply.content, reply.turn)


def answers_for_next_turn(prompt: Prompt, request: PromptRequest, replies: tuple[TeacherReply, ...]) -> tuple[str, ...] | None:
    """The answers so far when another turn is to be asked; None when the row is complete or cannot go on."""
    if len(replies) >= len(request.turns):
        return None
    try:
        return tuple(extract_answer(prompt, reply) for reply in replies)
    except AnswerRejected:
        return None


def replies_on_ledger(
    prompt: Prompt, request: PromptRequest, find: FindReplies, replies: tuple[TeacherReply, ...] = ()
) -> tuple[tuple[TeacherReply, ...], bool]:
    """The replies the ledger holds for a request, and whether nothing more is to be asked; ``replies`` are those to its first turns.

    A turn that two workers asked has two replies, and the conversation may have gone on from either: the first way that leads to the
    end is taken, else the longest.
    """
    answers = answers_for_next_turn(prompt, request, replies)
    if answers is None:
        return replies, True
    longest = replies
    for reply in find(request, len(replies), answers):
        if ending_of(reply.finish_reason) is Ending.BROKEN_OFF:
            continue  # recorded before such answers counted as failures: asked again
        found, complete = replies_on_ledger(prompt, request, find, (*replies, reply))
        if complete:
            return found, True
        if len(found) > len(longest):
            longest = found
    return longest, False


def conclude(prompt: Prompt, scored: ScoredRow) -> DistilledExample | RejectedRow:
    """What a row came to in the end."""
    row = scored.request.row
    ended = answers_or_reject(prompt, scored)
    if isinstance(ended, RejectedRow):
        return ended
    return DistilledExample(row.row_key, row.origin, prompt.example(scored.request, ended))


def answers_or_reject(prompt: Prompt, scored: ScoredRow) -> tuple[str, ...] | RejectedRow:
    """The answers to all turns of a row, or why it gives no example."""
    row = scored.request.row
    answers: list[str] = []
    for reply in scored.replies:
        try:
            answers.append(extract_answer(prompt, reply))
        except AnswerRejected as rejected:
            where = f"turn {reply.turn + 1}: " if len(scored.request.turns) > 1 else ""
            raw = reply.content[:LONGEST_RAW_ANSWER] if reply.content is not None else None
            return RejectedRow(row.origin, rejected.reason, where + rejected.detail, row.row_key, reply.attempts, raw)
    if len(answers) == len(scored.request.turns):
        return tuple(answers)
    last_raw = scored.replies[-1].content if scored.replies else None
    if scored.failure is not None:
        failure = scored.failure
        said = f": {failure.excerpt.strip()}" if failure.excerpt.strip() else ""
        return RejectedRow(row.origin, failure.kind.value, failure.detail + said, row.row_key, scored.attempts, last_raw)
    detail = scored.stopped.detail if scored.stopped is not None else "the run stopped before this row's turn came."
    return RejectedRow(row.origin, reasons.NOT_SENT, f"{detail} A rerun sends it.", row.row_key, scored.attempts, last_raw)
