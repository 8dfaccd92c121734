"""One walk over the input before anything is sent: rows to ask, rows that are no question, rows that the ledger answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from beam_distill.other_requests import OtherRequests
from transforms.elements.plan import InputSpec, SplitFiles
from transforms.elements.rows import PromptRequest, RejectedRow, is_repeat
from transforms.format_prompts import format_row
from transforms.prompts.base import Prompt
from transforms.prompts.progress import FindReplies, replies_on_ledger
from transforms.read_rows import walk_split
from transforms.teacher.payload import PayloadTemplate


@dataclass(slots=True)
class SplitSurvey:
    """What one split holds. ``requests`` and ``payload_bytes`` are those still to be sent; ``repeats`` are the rows to ask that are exactly
    like an earlier one.

    A turn of a conversation that follows an answer is counted without that answer, which nobody knows yet.
    """

    split: str
    rows: int = 0
    bad: int = 0
    answered: int = 0
    requests: int = 0
    payload_bytes: int = 0
    repeats: int = 0
    other: OtherRequests = field(default_factory=OtherRequests)

    @property
    def to_ask(self) -> int:
        """Rows that are questions to the teacher."""
        return self.rows - self.bad

    @property
    def to_send(self) -> int:
        """Rows that something is still to be asked for."""
        return self.to_ask - self.answered


def survey_split(
    spec: InputSpec,
    files: SplitFiles,
    prompt: Prompt,
    template: PayloadTemplate,
    find: FindReplies | None,
    on_row: Callable[[PromptRequest | RejectedRow], None] = lambda _: None,
    find_other: Callable[[str], str | None] | None = None,
) -> SplitSurvey:
    """Walk one split. ``find`` looks on the ledger, None where there is none; ``on_row`` sees every row.

    ``find_other`` gives the body of any first request about a row that the ledger answers.
    """
    survey = SplitSurvey(files.split.value)
    for row in walk_split(spec, files):
        survey.rows += 1
        asked = format_row(prompt, row)
        on_row(asked)
        if isinstance(asked, RejectedRow):
            survey.bad += 1
            continue
        survey.repeats += is_repeat(asked.row.row_key)
        begin = 0
        if find is not None:
            replies, complete = replies_on_ledger(prompt, asked, find)
            if complete:
                survey.answered += 1
                continue
            begin = len(replies)
            other = find_other(asked.row.row_key) if find_other is not None and not begin else None
            if other is not None:
                survey.other.rows += 1
                survey.other.earlier, survey.other.now = other, template.body(asked.messages_for_turn(0, ())).decode()
        for turn in range(begin, len(asked.turns)):
            survey.requests += 1
            survey.payload_bytes += len(template.body(asked.messages_for_turn(turn, ("",) * turn)))
    return survey
