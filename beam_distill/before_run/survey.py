"""One pass over the input before anything is sent: rows to ask, rows that cannot be sent, rows that the ledger answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from beam_distill.before_run.changed_settings import ChangedSettings
from beam_distill.before_run.doubles_found import AskedRows
from transforms.acceptance.row_result import RowRules
from transforms.elements.data_specs import InputSpec, SplitFiles
from transforms.elements.reasons import LEFT_OUT
from transforms.elements.replies import ScoredRow, TeacherReply
from transforms.elements.rows import PromptRequest, RejectedRow, sample_key
from transforms.intake.doubles.asked_text import asked_digest, asked_messages
from transforms.intake.walk import walk_split
from transforms.ledger.earlier_requests import EarlierRequests
from transforms.prompts.base import format_row
from transforms.prompts.progress import answers_for_next_turn
from transforms.prompts.token_limit import is_cut_off
from transforms.reuse.paid_answers import PaidAnswers
from transforms.teacher.payload import PayloadTemplate


@dataclass(slots=True)
class SplitSurvey:
    """The contents of one split. ``requests`` and ``payload_bytes`` are those to send, with samples as if every row needed all;
    ``verdicts`` are the questions to the judge, counted in the same way, ``unjudged`` the rows that need nothing else. ``left_out`` counts
    the rows that double others, by reason; ``asked`` are the rows that can be sent.

    ``accepted`` are the answered rows that give an example, counted only for ``until_accepted``; with ``has_enough`` the survey ended there.
    ``known_turns`` are the turns that the ledger has any answer to. A conversation turn after an unanswered one is counted without that
    answer, which is not known yet.
    """

    split: str
    rows: int = 0
    bad: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    answered: int = 0
    requests: int = 0
    payload_bytes: int = 0
    verdicts: int = 0
    unjudged: int = 0
    asked: AskedRows = field(default_factory=AskedRows)
    changed: ChangedSettings = field(default_factory=ChangedSettings)
    known_turns: int = 0
    accepted: int = 0
    has_enough: bool = False

    def needs_no_more(self) -> None:
        """The ledger has as many accepted rows as the split is to have."""
        self.has_enough = True
        self.requests = self.payload_bytes = self.verdicts = self.unjudged = 0

    @property
    def to_ask(self) -> int:
        """Rows that can be sent to the teacher."""
        return self.rows - self.bad - sum(self.left_out.values())

    @property
    def readable(self) -> int:
        """Rows that can be sent to the teacher, and those that are left out."""
        return self.rows - self.bad

    @property
    def to_send(self) -> int:
        """Rows with at least one request to send, to the teacher or the judge."""
        return 0 if self.has_enough else self.to_ask - self.answered

    @property
    def to_teacher(self) -> int:
        """Those with a request to the teacher."""
        return self.to_send - self.unjudged


def answered_text(surveys: Sequence[SplitSurvey]) -> str:
    """How many rows of these splits the teacher has answered, and how many of them the judge is still to be asked about."""
    unjudged = sum(survey.unjudged for survey in surveys)
    text = f"{sum(survey.answered for survey in surveys) + unjudged:,} answered on the ledger"
    return f"{text}, {unjudged:,} of them still to be judged" if unjudged else text


class LedgerView:
    """The ledger for a survey: ``paid`` for answers that are used, ``earlier`` for all others."""

    def __init__(self, paid: PaidAnswers, earlier: EarlierRequests, limit: int) -> None:
        self.paid = paid
        self.earlier = earlier
        self.limit = limit


def survey_split(
    spec: InputSpec,
    files: SplitFiles,
    rules: RowRules,
    template: PayloadTemplate,
    ledger: LedgerView | None = None,
    on_row: Callable[[PromptRequest | RejectedRow], None] = lambda _: None,
    is_enough: Callable[[SplitSurvey], bool] = lambda _: False,
) -> SplitSurvey:
    """Survey one split. ``ledger`` may be None; ``on_row`` gets every row; ``is_enough`` is called after every row to send."""
    survey = SplitSurvey(files.split.value)
    for row in walk_split(spec, files):
        if rules.until_accepted is not None and survey.accepted >= rules.until_accepted:
            survey.needs_no_more()
            break
        survey.rows += 1
        asked = format_row(rules.prompt, row)
        on_row(asked)
        if isinstance(asked, RejectedRow):
            if asked.reason in LEFT_OUT:
                survey.left_out[asked.reason] = survey.left_out.get(asked.reason, 0) + 1
            else:
                survey.bad += 1
            continue
        digest = asked_digest(asked_messages(asked.row.messages, spec.doubles.several_turns))
        replies: tuple[TeacherReply, ...] = ()
        if ledger is not None:
            replies, complete = rules.replies_on_ledger(asked, ledger.paid)
            teachers = tuple(reply for reply in replies if reply.turn < len(asked.turns))
            survey.known_turns += len(teachers)
            if complete:
                survey.answered += 1
                survey.accepted += rules.until_accepted is not None and rules.is_accepted(ScoredRow(asked, replies))
                survey.asked.add(digest, 0, 0)
                _note_limits(survey.changed, teachers, ledger.limit)
                continue
            first = tuple(reply for reply in teachers if not reply.sample)
            if len(first) < len(asked.turns):
                _note_sent_again(survey, ledger, rules, asked, first, template)
        sizes = [len(template.body(asked.messages_for_turn(turn, ("",) * turn))) for turn in rules.turns_left(asked, replies)]
        survey.requests += len(sizes)
        survey.payload_bytes += sum(sizes)
        survey.verdicts += rules.verdicts_left(asked, replies)
        survey.unjudged += not sizes
        survey.asked.add(digest, len(sizes), sum(sizes))
        if is_enough(survey):
            break
    return survey


def _note_limits(changed: ChangedSettings, replies: tuple[TeacherReply, ...], limit: int) -> None:
    """Note an answered row whose answers had another token limit."""
    limits = {reply.token_limit for reply in replies if reply.token_limit is not None}
    if not limits:
        return
    last = replies[-1]
    if is_cut_off(last) and last.token_limit is not None and last.token_limit < limit:
        changed.context_full += 1
    else:
        changed.used += 1
    changed.limits |= limits


def _note_sent_again(
    survey: SplitSurvey, ledger: LedgerView, rules: RowRules, asked: PromptRequest, replies: tuple[TeacherReply, ...], template: PayloadTemplate
) -> None:
    """Note a row to send for which the ledger has unused answers."""
    changed, begin, turns = survey.changed, len(replies), len(asked.turns)
    cut_off = ledger.paid.find.cut_off_before(asked, begin, answers_for_next_turn(rules.prompt, asked, replies) or ())
    if cut_off is not None:
        survey.known_turns += 1
        changed.cut_off.add_row(turns - begin, [cut_off.usage if cut_off.prompt_tokens is not None else None])
        if cut_off.token_limit is not None:
            changed.limits.add(cut_off.token_limit)
        return
    keys = [sample_key(asked.row.row_key, sample) for sample in range(rules.selection.samples)] if not begin else []
    earlier = [ledger.earlier.find(key, turn) for key in keys for turn in range(turns)]
    found = [request for request in earlier if request is not None]
    now = template.body(asked.messages_for_turn(0, ())).decode() if found else ""
    survey.known_turns += len(found)
    if found and found[0].payload != now:
        changed.other.add_row(max(turns, len(found)), [request.usage for request in found])
        changed.earlier, changed.now = found[0].payload, now
