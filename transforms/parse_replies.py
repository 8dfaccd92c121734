"""ParseReplies: each scored row to an example or a reject, and to the outcome that is counted."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, Union

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from transforms.acceptance.row_result import Kept, rules_for
from transforms.acceptance.spec import AcceptanceSpec
from transforms.counters import RowCounters
from transforms.elements.failures import StopCause
from transforms.elements.flow import Scored
from transforms.elements.reasons import LEFT_OUT
from transforms.elements.replies import ScoredRow
from transforms.elements.rows import DistilledExample, RejectedRow, is_repeat
from transforms.elements.sample_tally import RowSamples
from transforms.elements.tally import RowOutcome, row_digest
from transforms.elements.usage import Usage
from transforms.prompts.spec import PromptSpec

EXAMPLES = "examples"
REJECTS = "rejects"


class ParsedRows(NamedTuple):
    """The three outputs: an outcome per row, and the row itself on one of the other two."""

    outcomes: beam.PCollection[RowOutcome]
    examples: beam.PCollection[DistilledExample]
    rejects: beam.PCollection[RejectedRow]


Parsed = Union[RowOutcome, TaggedOutput[Literal["examples"], DistilledExample], TaggedOutput[Literal["rejects"], RejectedRow]]
"""An outcome on the main output, or the row itself on the output of its tag."""


class _ParseFn(beam.DoFn):
    def __init__(self, prompt: PromptSpec, acceptance: AcceptanceSpec, rows_too: bool) -> None:
        self._prompt = prompt
        self._acceptance = acceptance
        self._rows_too = rows_too

    def setup(self) -> None:
        self._rules = rules_for(self._prompt, self._acceptance)
        self._counters = RowCounters()

    def process(self, element: Scored) -> Iterator[Parsed]:
        ended: Union[tuple[Kept, ...], RejectedRow]
        if isinstance(element, RejectedRow):
            ended = element
            repeat = element.reason not in LEFT_OUT and is_repeat(element.row_key)
            yield RowOutcome(element.origin.split, element.reason, row_digest(element.origin, element.row_key), repeat=repeat)
        else:
            ended, samples = self._rules.result(element)
            yield _outcome(element, ended.reason if isinstance(ended, RejectedRow) else None, samples)
        if isinstance(ended, RejectedRow):
            self._counters.row_rejected(ended.reason)
        if self._rows_too:
            if isinstance(ended, RejectedRow) or isinstance(element, RejectedRow):
                yield TaggedOutput(REJECTS, ended)
            else:
                for kept in ended:
                    yield TaggedOutput(EXAMPLES, self._rules.example(element.request, kept))

    def finish_bundle(self) -> None:
        self._counters.flush()


def _outcome(scored: ScoredRow, reason: Union[str, None], samples: Union[RowSamples, None]) -> RowOutcome:
    usage = Usage()
    for reply in scored.paid_replies:
        usage = usage.plus(reply.usage)
    return RowOutcome(
        split=scored.request.row.origin.split,
        reason=reason,
        digest=row_digest(scored.request.row.origin, scored.request.row.row_key),
        usage=usage,
        requests_sent=scored.attempts,
        reused_answers=scored.answers_reused,
        stopped=None if scored.stopped is not None and scored.stopped.cause is StopCause.ENOUGH_ACCEPTED else scored.stopped,
        repeat=is_repeat(scored.request.row.row_key),
        samples=samples,
        judging=scored.judging,
        verdicts_reused=scored.verdicts_reused,
    )


@dataclass
class ParseReplies(beam.PTransform):
    """Take the answers out of the replies, and check them. In: ScoredRow and RejectedRow. Out: ParsedRows.

    With ``rows_too`` off, examples and rejects stay empty: a large job reads them from the ledger when it writes, so the runner need not
    keep them in memory.
    """

    prompt: PromptSpec
    rows_too: bool = True
    acceptance: AcceptanceSpec = AcceptanceSpec()

    # no return annotation: Beam supports none for a tuple of collections, and would warn on every run
    def expand(self, scored: beam.PCollection[Scored]):  # type: ignore[no-untyped-def]
        outputs = scored | "Parse" >> beam.ParDo(_ParseFn(self.prompt, self.acceptance, self.rows_too)).with_outputs(
            EXAMPLES, REJECTS, main="outcomes"
        )
        return ParsedRows(outputs["outcomes"], outputs[EXAMPLES], outputs[REJECTS])
