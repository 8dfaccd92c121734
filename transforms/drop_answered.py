"""DropAnswered: rows that the ledger answers are not sent again."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Union

import apache_beam as beam
from apache_beam.typehints import with_output_types

from transforms.acceptance.examined import Refused
from transforms.acceptance.row_result import rules_for
from transforms.acceptance.spec import AcceptanceSpec
from transforms.elements.flow import Asked, PendingOrDone
from transforms.elements.replies import ScoredRow, TeacherReply
from transforms.elements.rows import PromptRequest, RejectedRow
from transforms.prompts.progress import extract_answer
from transforms.prompts.spec import PromptSpec
from transforms.reuse.paid_answers import PaidAnswers
from transforms.teacher.specs import ScoringSpec


@with_output_types(PendingOrDone)
class _DropAnsweredFn(beam.DoFn):
    def __init__(self, prompt: PromptSpec, scoring: ScoringSpec, acceptance: AcceptanceSpec) -> None:
        self._prompt_spec = prompt
        self._scoring = scoring
        self._acceptance = acceptance

    def setup(self) -> None:
        self._rules = rules_for(self._prompt_spec, self._acceptance)
        self._paid: Union[PaidAnswers, None] = None

    def start_bundle(self) -> None:
        # when the runner tries a bundle again, this finds what the first try recorded, in any process
        if self._paid is None:
            self._paid = PaidAnswers(self._scoring)
            self._paid.write_indexes()
        else:
            self._paid.refresh()

    def process(self, asked: Asked) -> Iterator[PendingOrDone]:
        if isinstance(asked, RejectedRow):
            yield asked
            return
        assert self._paid is not None
        if not self._paid and self._scoring.send:
            yield asked, ()
            return
        replies, complete = self._rules.replies_on_ledger(asked, self._paid)
        if complete and self._scoring.ask_again:
            kept = self._kept_when_asked_again(asked, replies, self._paid)
            if kept is not None:
                replies, complete = kept, False
        yield ScoredRow(asked, replies) if complete or not self._scoring.send else (asked, replies)

    def _kept_when_asked_again(
        self, asked: PromptRequest, replies: tuple[TeacherReply, ...], paid: PaidAnswers
    ) -> Union[tuple[TeacherReply, ...], None]:
        """The replies without those of its last sample from the refused one on, if the row's reject is to be asked again; else None."""
        ended = self._rules.kept_or_reject(ScoredRow(asked, replies))
        if not isinstance(ended, RejectedRow) or ended.reason not in self._scoring.ask_again:
            return None
        sample = replies[-1].sample
        own = tuple(reply for reply in replies if reply.sample == sample)
        found = self._rules.examine(asked, own)
        before = own[: found.turn] if isinstance(found, Refused) else own[:-1]
        # a reply of this same run does not cause a third request
        if len(before) == len(asked.turns):  # only the verdict is asked again
            question = self._rules.question(asked, before)
            if question is None or paid.verdict_asked_by(question, sample) == self._scoring.run_id:
                return None
        else:
            answers = tuple(extract_answer(self._rules.prompt, asked.turns[reply.turn], reply) for reply in before)
            if paid.find.asked_by(asked, answers, sample) == self._scoring.run_id:
                return None
        return (*(reply for reply in replies if reply.sample != sample), *before)

    def teardown(self) -> None:
        if self._paid is not None:
            self._paid.close()


@dataclass
class DropAnswered(beam.PTransform[beam.PCollection[Asked], beam.PCollection[PendingOrDone]]):
    """Look every request up on the ledger as it was when the bundle started.

    Out: (request, replies to its first turns) for rows to ask, a ScoredRow for rows that are answered or may not be sent; rejects pass
    through.
    """

    prompt: PromptSpec
    scoring: ScoringSpec
    acceptance: AcceptanceSpec = AcceptanceSpec()

    def expand(self, asked: beam.PCollection[Asked]) -> beam.PCollection[PendingOrDone]:
        return asked | "LookUp" >> beam.ParDo(_DropAnsweredFn(self.prompt, self.scoring, self.acceptance))
