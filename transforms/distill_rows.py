"""DistillRows: from rows to outcomes in one transform, for your own Beam pipeline."""

from dataclasses import dataclass

import apache_beam as beam

from transforms.acceptance.spec import AcceptanceSpec
from transforms.batch_by_size import BatchBySize
from transforms.drop_answered import DropAnswered
from transforms.format_prompts import FormatPrompts
from transforms.parse_replies import ParseReplies
from transforms.prompts.spec import PromptSpec
from transforms.score_with_teacher import ScoreWithTeacher
from transforms.teacher.specs import ScoringSpec


@dataclass
class DistillRows(beam.PTransform):
    """Send every row to the teacher.

    In: TrainingRow (RejectedRow is counted and passed on). Out: ParsedRows, with exactly one outcome per input row. An answer is on the
    ledger before it comes out, and an answered request is not sent again. A usable answer that ``acceptance`` refuses makes a reject.
    """

    prompt: PromptSpec
    scoring: ScoringSpec
    mini_batch_bytes: int = 100 * 1024
    rows_too: bool = True
    acceptance: AcceptanceSpec = AcceptanceSpec()

    # no return annotation: Beam knows none for a tuple of collections, and says so on every run
    def expand(self, rows: beam.PCollection):  # type: ignore[no-untyped-def]
        return (
            rows
            | FormatPrompts(self.prompt)
            | DropAnswered(self.prompt, self.scoring, self.acceptance)
            | BatchBySize(self.mini_batch_bytes)
            | ScoreWithTeacher(self.prompt, self.scoring, self.acceptance)
            | ParseReplies(self.prompt, self.rows_too, self.acceptance)
        )
