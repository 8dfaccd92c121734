"""The next turn of a row, and the result of a finished row.

Only this file decides what replies mean: for scoring, for look-ups on the ledger, and for writing datasets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from transforms.elements import reasons
from transforms.elements.failures import StopCause
from transforms.elements.finish_reasons import Ending, ending_of
from transforms.elements.replies import ScoredRow, TeacherReply
from transforms.elements.rows import ChatMessage, DistilledExample, PromptRequest, RejectedRow
from transforms.prompts.base import AnswerRejected, Prompt
from transforms.prompts.endings import whole_text

FindReplies = Callable[[PromptRequest, int, "tuple[str, ...]"], Iterable[TeacherReply]]
"""Looks up the replies to one turn of a request, given the answers to the turns before it; the current one comes first."""

LONGEST_RAW_ANSWER = 20_000


def extract_answer(prompt: Prompt, asked: tuple[ChatMessage, ...], reply: TeacherReply) -> str:
    """The answer in the reply to the messages of one turn. Raises AnswerRejected with the reason."""
    return prompt.extract(whole_text(reply, prompt.rules.max_new_tokens), asked)


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


def example_or_reject(prompt: Prompt, scored: ScoredRow) -> DistilledExample | RejectedRow:
    """The result of a row."""
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
            answers.append(extract_answer(prompt, scored.request.turns[reply.turn], reply))
        except AnswerRejected as rejected:
            where = f"turn {reply.turn + 1}: " if len(scored.request.turns) > 1 else ""
            said = reply.content if reply.content is not None else reply.refusal
            raw = said[:LONGEST_RAW_ANSWER] if said is not None else None
            return RejectedRow(row.origin, rejected.reason, where + rejected.detail, row.row_key, reply.attempts, raw)
    if len(answers) == len(scored.request.turns):
        return tuple(answers)
    last_raw = scored.replies[-1].content if scored.replies else None
    if scored.failure is not None:
        failure = scored.failure
        said = f": {failure.excerpt.strip()}" if failure.excerpt.strip() else ""
        return RejectedRow(row.origin, failure.kind.value, failure.detail + said, row.row_key, scored.attempts, last_raw)
    detail = scored.stopped.detail if scored.stopped is not None else "the run stopped before this row was sent."
    with_what = " with a higher limit" if scored.stopped is not None and scored.stopped.cause is StopCause.BUDGET_SPENT else ""
    return RejectedRow(row.origin, reasons.NOT_SENT, f"{detail} A rerun{with_what} sends it.", row.row_key, scored.attempts, last_raw)
