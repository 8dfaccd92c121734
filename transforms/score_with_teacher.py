"""ScoreWithTeacher: batches to the scoring engine, scored rows back as they finish."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Union

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.typehints import with_output_types
from apache_beam.utils.windowed_value import WindowedValue

from transforms.acceptance.row_result import rules_for
from transforms.acceptance.spec import AcceptanceSpec
from transforms.control.budget_keeper import BudgetKeeper, keeper_of
from transforms.control.run_control import RunControl, control_of
from transforms.counters import RequestCounters
from transforms.elements.flow import Batch, Scored
from transforms.elements.replies import ScoredRow
from transforms.ledger.object_storage import storage_for
from transforms.prompts.spec import PromptSpec
from transforms.teacher.enough import ENOUGH, accepted_rows
from transforms.teacher.lane import Lane
from transforms.teacher.row_steps import RowSteps
from transforms.teacher.session import shared_session, wait_for_abandoned
from transforms.teacher.specs import ScoringSpec


@with_output_types(Scored)
class _ScoreBatchFn(beam.DoFn):
    def __init__(self, prompt: PromptSpec, scoring: ScoringSpec, acceptance: AcceptanceSpec) -> None:
        self._prompt = prompt
        self._scoring = scoring
        self._acceptance = acceptance

    def setup(self) -> None:
        self._rules = rules_for(self._prompt, self._acceptance)
        self._accepted = accepted_rows(self._scoring, self._acceptance.until_accepted, self._rules.is_accepted)
        self._counters = RequestCounters()
        self._lane: Union[Lane, None] = None
        self._control: Union[RunControl, None] = None
        self._keeper: Union[BudgetKeeper, None] = None

    def start_bundle(self) -> None:
        # stages start from the last to the first: this runs before DropAnswered reads the ledger
        wait_for_abandoned(self._scoring)

    def process(self, element: Batch) -> Iterator[Scored]:
        if not isinstance(element, list):
            if isinstance(element, ScoredRow):
                self._counters.answers_reused(element.answers_reused)
                self._counters.row_passed(element.request.row.origin.split)
                if self._accepted is not None:
                    self._accepted.answered_before(element)
                    if self._accepted.is_full(element.request.row.origin.split) and self._rules.is_unfinished(element):
                        element = element._replace(stopped=ENOUGH)
            else:
                self._counters.row_passed(element.origin.split)
            yield element
            return
        if self._lane is None:
            # opened with the first row to send: a rerun that sends nothing needs neither endpoint nor key
            steps = RowSteps(*self._rules.for_engine, self._accepted)
            storage = storage_for(self._scoring.ledger_dir, self._scoring.sealing)
            session = shared_session(self._scoring, steps, storage)
            self._lane = session.lane()
            self._keeper = keeper_of(self._scoring, session)
            if self._scoring.control_dir is not None:
                self._control = control_of(self._scoring.control_dir, session)
                self._control.report()
        self._lane.put(element)
        for row in self._lane.finished():
            yield self._counted(row)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        if self._lane is not None:
            window = GlobalWindow()
            for row in self._lane.drain():
                yield WindowedValue(self._counted(row), window.max_timestamp(), [window])
            self._counters.left_out(self._lane.left_out())
            self._counters.endpoints(*self._lane.endpoint_news())
            self._counters.signs(self._lane.sign_news())
            if self._control is not None:
                self._control.report()
            if self._keeper is not None:
                self._keeper.write()
        self._counters.flush()

    def teardown(self) -> None:
        if self._lane is not None:
            self._lane.abandon()

    def _counted(self, row: ScoredRow) -> ScoredRow:
        self._counters.row_scored(row)
        if row.answers_reused:
            self._counters.answers_reused(row.answers_reused)
        return row


@dataclass
class ScoreWithTeacher(beam.PTransform[beam.PCollection[Batch], beam.PCollection[Scored]]):
    """Send every pending request to the teacher through the process's one scoring session.

    Out: exactly one ScoredRow per request, good or bad, once its answers are on the ledger; never raises for a row. Rows that
    need no request pass through.
    """

    prompt: PromptSpec
    scoring: ScoringSpec
    acceptance: AcceptanceSpec = AcceptanceSpec()

    def expand(self, batches: beam.PCollection[Batch]) -> beam.PCollection[Scored]:
        return batches | "Score" >> beam.ParDo(_ScoreBatchFn(self.prompt, self.scoring, self.acceptance))
