"""ParseReplies: what each row came to, example or reject, and the outcome that is counted."""

from dataclasses import dataclass
from typing import NamedTuple, Union

import apache_beam as beam
from apache_beam.typehints import with_output_types

from transforms.counters import RowCounters
from transforms.elements.replies import ScoredRow
from transforms.elements.rows import DistilledExample, RejectedRow
from transforms.elements.tally import RowOutcome
from transforms.prompts.progress import conclude
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import PromptSpec

EXAMPLES = "examples"
REJECTS = "rejects"


class ParsedRows(NamedTuple):
    """The three outputs: an outcome per row, and the row itself on one of the other two."""

    outcomes: beam.PCollection[RowOutcome]
    examples: beam.PCollection[DistilledExample]
    rejects: beam.PCollection[RejectedRow]


@with_output_types(RowOutcome)
class _ParseFn(beam.DoFn):
    def __init__(self, spec: PromptSpec, rows_too: bool) -> None:
        self._spec = spec
        self._rows_too = rows_too

    def setup(self) -> None:
        self._prompt = prompt_for(self._spec)
        self._counters = RowCounters()

    def process(self, element: Union[ScoredRow, RejectedRow]):  # type: ignore[no-untyped-def] # Beam would read TaggedOutput as an element
        if isinstance(element, RejectedRow):
            ended: Union[DistilledExample, RejectedRow] = element
            yield RowOutcome(element.origin.split, element.reason)
        else:
            ended = conclude(self._prompt, element)
            yield _outcome(element, ended)
        if isinstance(ended, RejectedRow):
            self._counters.row_rejected(ended.reason)
        if self._rows_too:
            yield beam.pvalue.TaggedOutput(REJECTS if isinstance(ended, RejectedRow) else EXAMPLES, ended)

    def finish_bundle(self) -> None:
        self._counters.hand_over()


def _outcome(scored: ScoredRow, ended: Union[DistilledExample, RejectedRow]) -> RowOutcome:
    paid = scored.paid_replies
    return RowOutcome(
        split=ended.origin.split,
        reason=ended.reason if isinstance(ended, RejectedRow) else None,
        prompt_tokens=sum(reply.prompt_tokens or 0 for reply in paid),
        completion_tokens=sum(reply.completion_tokens or 0 for reply in paid),
        requests_sent=scored.attempts,
        reused_answers=scored.answers_reused,
        stopped=scored.stopped,
    )


@dataclass
class ParseReplies(beam.PTransform):
    """Take the answers out of the replies. In: ScoredRow and RejectedRow. Out: ParsedRows.

    With ``rows_too`` off, examples and rejects stay empty: a large job reads them from the ledger when it writes, instead of carrying
    them through the runner's memory.
    """

    spec: PromptSpec
    rows_too: bool = True

    # no return annotation: Beam knows none for a tuple of collections, and says so on every run
    def expand(self, scored: beam.PCollection[Union[ScoredRow, RejectedRow]]):  # type: ignore[no-untyped-def]
        outputs = scored | "Parse" >> beam.ParDo(_ParseFn(self.spec, self.rows_too)).with_outputs(EXAMPLES, REJECTS, main="outcomes")
        return ParsedRows(outputs["outcomes"], outputs[EXAMPLES], outputs[REJECTS])
