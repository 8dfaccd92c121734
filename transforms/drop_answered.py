"""DropAnswered: rows that the ledger answers are not sent again."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Union

import apache_beam as beam
from apache_beam.typehints import with_output_types

from transforms.acceptance.row_result import Refused, rules_for
from transforms.acceptance.spec import AcceptanceSpec
from transforms.elements.flow import Asked, PendingOrDone
from transforms.elements.replies import ScoredRow, TeacherReply
from transforms.elements.rows import PromptRequest, RejectedRow
from transforms.ledger.object_storage import storage_for
from transforms.prompts.progress import extract_answer, replies_on_ledger
from transforms.prompts.spec import PromptSpec
from transforms.reuse.answer_index import AnswerIndex
from transforms.reuse.lookup import LedgerLookup
from transforms.teacher.specs import ScoringSpec


@with_output_types(PendingOrDone)
class _DropAnsweredFn(beam.DoFn):
    def __init__(self, prompt: PromptSpec, scoring: ScoringSpec, acceptance: AcceptanceSpec) -> None:
        self._prompt_spec = prompt
        self._scoring = scoring
        self._acceptance = acceptance

    def setup(self) -> None:
        self._rules = rules_for(self._prompt_spec, self._acceptance)
        self._index: Union[AnswerIndex, None] = None

    def start_bundle(self) -> None:
        # when the runner tries a bundle again, this finds what the first try recorded, in any process
        if self._index is None:
            self._index = AnswerIndex(self._scoring.ledger_dir, storage_for(self._scoring.ledger_dir, self._scoring.sealing))
            self._index.write_indexes()
            self._find = LedgerLookup(self._index, self._scoring.endpoint, self._scoring.sampling)
        else:
            self._index.refresh()
            self._find.take_in()

    def process(self, asked: Asked) -> Iterator[PendingOrDone]:
        if isinstance(asked, RejectedRow):
            yield asked
            return
        if not self._index and self._scoring.send:
            yield asked, ()
            return
        replies, complete = replies_on_ledger(self._rules.prompt, asked, self._find)
        if complete and self._scoring.ask_again:
            turn = self._turn_asked_again(asked, replies)
            if turn is not None:
                replies, complete = replies[:turn], False
        yield ScoredRow(asked, replies) if complete or not self._scoring.send else (asked, replies)

    def _turn_asked_again(self, asked: PromptRequest, replies: tuple[TeacherReply, ...]) -> Union[int, None]:
        found = self._rules.judge(asked, replies)
        if not isinstance(found, Refused) or found.reason not in self._scoring.ask_again:
            return None
        # a reply of this same run does not cause a third request
        before = replies[: found.turn]
        answers = tuple(extract_answer(self._rules.prompt, asked.turns[reply.turn], reply) for reply in before)
        return found.turn if self._find.asked_by(asked, answers) != self._scoring.run_id else None

    def teardown(self) -> None:
        if self._index is not None:
            self._index.close()


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
