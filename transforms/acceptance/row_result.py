"""The result of a finished row: its example, or its reject.

Only this file decides: for counting, for writing datasets, for asking again and for a pilot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from transforms.acceptance.base import Check, CheckRefused, Sample
from transforms.acceptance.spec import AcceptanceSpec
from transforms.elements import reasons
from transforms.elements.failures import StopCause
from transforms.elements.replies import ScoredRow, TeacherReply
from transforms.elements.rows import DistilledExample, PromptRequest, RejectedRow
from transforms.prompts.base import AnswerRejected, Prompt
from transforms.prompts.progress import extract_answer
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import PromptSpec

LONGEST_RAW_ANSWER = 20_000


class Refused(NamedTuple):
    """Why replies give no example: the turn, counted from 0, with the reason and what was found."""

    turn: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class RowRules:
    """The rules of a run for what the replies to a row come to: how its prompt reads an answer, and its checks in their order."""

    prompt: Prompt
    checks: tuple[Check, ...] = ()

    def example_or_reject(self, scored: ScoredRow) -> DistilledExample | RejectedRow:
        """The result of a row."""
        ended = self.answers_or_reject(scored)
        return ended if isinstance(ended, RejectedRow) else self.example(scored.request, ended)

    def example(self, request: PromptRequest, answers: tuple[str, ...]) -> DistilledExample:
        """The example of a row with accepted answers."""
        return DistilledExample(request.row.row_key, request.row.origin, self.prompt.example(request, answers))

    def answers_or_reject(self, scored: ScoredRow) -> tuple[str, ...] | RejectedRow:
        """The answers to all turns of a row, or why it gives no example."""
        found = self.judge(scored.request, scored.replies)
        if isinstance(found, Refused):
            return _refused(scored, found)
        return found if len(found) == len(scored.request.turns) else _unanswered(scored)

    def judge(self, request: PromptRequest, replies: tuple[TeacherReply, ...]) -> tuple[str, ...] | Refused:
        """The answers in the replies to a row's first turns; checked when they are complete."""
        answers: list[str] = []
        for reply in replies:
            try:
                answers.append(extract_answer(self.prompt, request.turns[reply.turn], reply))
            except AnswerRejected as rejected:
                return Refused(reply.turn, rejected.reason, rejected.detail)
        sample = Sample(request, tuple(answers))
        if len(answers) == len(request.turns):
            try:
                for check in self.checks:
                    check.examine(sample)
            except CheckRefused as refused:
                return Refused(refused.turn, refused.reason, refused.detail)
        return sample.answers


def rules_for(prompt: PromptSpec, acceptance: AcceptanceSpec) -> RowRules:
    """The rules of a run. Raises ValueError for an invalid combination in ``prompt``."""
    return RowRules(prompt_for(prompt), acceptance.checks)


def _refused(scored: ScoredRow, refused: Refused) -> RejectedRow:
    row, reply = scored.request.row, scored.replies[refused.turn]
    where = f"turn {refused.turn + 1}: " if len(scored.request.turns) > 1 else ""
    said = reply.content if reply.content is not None else reply.refusal
    raw = said[:LONGEST_RAW_ANSWER] if said is not None else None
    return RejectedRow(row.origin, refused.reason, where + refused.detail, row.row_key, reply.attempts, raw)


def _unanswered(scored: ScoredRow) -> RejectedRow:
    row, failure = scored.request.row, scored.failure
    last_raw = scored.replies[-1].content if scored.replies else None
    if failure is not None:
        said = f": {failure.excerpt.strip()}" if failure.excerpt.strip() else ""
        return RejectedRow(row.origin, failure.kind.value, failure.detail + said, row.row_key, scored.attempts, last_raw)
    detail = scored.stopped.detail if scored.stopped is not None else "the run stopped before this row was sent."
    with_what = " with a higher limit" if scored.stopped is not None and scored.stopped.cause is StopCause.BUDGET_SPENT else ""
    return RejectedRow(row.origin, reasons.NOT_SENT, f"{detail} A rerun{with_what} sends it.", row.row_key, scored.attempts, last_raw)
