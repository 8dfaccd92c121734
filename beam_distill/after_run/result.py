"""How a run ended, for the command, for programs that called ``distill()`` and for the eyes of who called it in a notebook."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any

from beam_distill.after_run.request_failures import FailureTold
from beam_distill.exit_codes import ExitCode
from beam_distill.job.prices import Prices
from transforms.elements.counted import counted
from transforms.elements.tally import SplitVerdict, Verdict


@dataclass(frozen=True, repr=False)
class RunResult:
    """How a run ended. ``datasets`` and the other paths are set when the file is there; ``handoff_holds`` names the files for the training.

    ``repeated`` counts answers on the ledger that this run paid for more than once. ``open_when_lost``: requests that ``processes_lost``
    scoring processes had on the wire or not yet recorded when they last reported, up to a second (five on object storage) before they were
    lost; those of earlier runs that did not come to their end count too. What of it the teacher answered is paid for and not on the ledger.
    ``warnings`` are sentences about what is legal but probably not meant. ``label_agreement`` says how many answers are the labels of their
    rows, where rows came with labels and the report was made. ``failures`` are the most frequent ones of requests. ``limits`` say how much of
    each limit all runs of the job have spent.
    """

    exit_code: ExitCode
    message: str
    run_id: str
    work_dir: str
    verdict: Verdict | None = None
    datasets: dict[str, str] = field(default_factory=dict)
    rejects_path: str | None = None
    run_json_path: str | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    wall_s: float = 0.0
    prices: Prices | None = None
    report_path: str | None = None
    handoff_path: str | None = None
    handoff_holds: str = ""
    repeated: int = 0
    open_when_lost: int = 0
    processes_lost: int = 0
    warnings: tuple[str, ...] = ()
    label_agreement: str = ""
    limits: tuple[str, ...] = ()
    failures: tuple[FailureTold, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every dataset asked for is published."""
        return self.exit_code is ExitCode.PUBLISHED

    def __repr__(self) -> str:
        """One line: the outcome, and for every split its examples and where they are."""
        parts = [self.message, *map(self._of_split, self.verdict.splits if self.verdict is not None else ())]
        return f"<RunResult {self.exit_code.name}: {'; '.join(parts)}; work_dir {self.work_dir}>"

    def __str__(self) -> str:
        """The command's summary."""
        from beam_distill.after_run.summary import summary_text

        return summary_text(self).strip()

    def _repr_html_(self) -> str:
        """The command's summary, in a notebook."""
        return f'<pre style="white-space:pre-wrap">{html.escape(str(self))}</pre>'

    def _of_split(self, part: SplitVerdict) -> str:
        where = self.datasets.get(part.split.value)
        return f"{part.split.value} {counted(part.tally.examples, 'example')} " + (f"in {where}" if where is not None else "not published")
