"""The spending of all runs of a job, and the limits for the workers."""

from __future__ import annotations

from contextlib import closing
from typing import NamedTuple

from beam_distill.config.settings import DistillSettings
from beam_distill.job.prices import judge_prices, prices_of
from beam_distill.work_dir.files import segments_storage
from beam_distill.work_dir.judge_folder import judges_folder
from transforms.control.budget_keeper import notes_in
from transforms.elements.usage import Spending, TokenPrices
from transforms.files.paths import absolute
from transforms.ledger.avro_schema import USAGE_SCHEMA, paid_usage
from transforms.ledger.segments import read_records
from transforms.teacher.specs import BillSpec, BudgetSpec


class JobSpending(NamedTuple):
    """The spending of all runs of a job on teacher and judge. ``beside`` is the part that is not on the ledger: attempts without an answer,
    requests on the wire of a lost process, and the tokens of answers that reported none."""

    total: Spending
    beside: Spending
    judge: Spending = Spending()
    judge_beside: Spending = Spending()

    @property
    def both(self) -> Spending:
        """That of teacher and judge together."""
        return self.total.plus(self.judge)

    @property
    def both_beside(self) -> Spending:
        """The part of ``both`` that is not on the ledger."""
        return self.beside.plus(self.judge_beside)


def spent_in(work_dir: str) -> JobSpending:
    """The spending of all runs so far: answers from the ledger, the rest from the scoring processes' notes."""
    root = absolute(work_dir)
    beside = judge_beside = Spending()
    for note in notes_in(f"{root}/spending").values():
        beside = beside.plus(note.beside).plus(note.on_wire)
        judge_beside = judge_beside.plus(note.judge_beside).plus(note.judge_on_wire)
    ledger = f"{root}/ledger"
    return JobSpending(_on_ledger(ledger).plus(beside), beside, _on_ledger(judges_folder(ledger)).plus(judge_beside), judge_beside)


def _on_ledger(folder: str) -> Spending:
    spent = Spending()
    with closing(segments_storage(folder)) as storage:
        for segment in storage.segments(folder):
            for record in read_records(storage.open(segment, whole=True), USAGE_SCHEMA, []):
                spent = spent.plus(Spending(int(record["attempts"] > 0), paid_usage(record)))
    return spent


def has_limits(settings: DistillSettings) -> bool:
    """Whether the job has any limit."""
    return any(limit is not None for limit in (settings.max_cost, settings.max_total_tokens, settings.max_requests))


def budget_spec(settings: DistillSettings) -> BudgetSpec:
    """The limits for the workers, with the spending so far. Reads the ledger if there are limits."""
    prices, judges = prices_of(settings), judge_prices(settings)
    spent = spent_in(settings.resolved_work_dir) if has_limits(settings) else JobSpending(Spending(), Spending())
    return BudgetSpec(
        settings.max_cost,
        settings.max_total_tokens,
        settings.max_requests,
        settings.currency,
        BillSpec(prices.tokens if prices is not None else TokenPrices(), spent.total),
        BillSpec(judges.tokens if judges is not None else TokenPrices(), spent.judge),
        settings.instance_count * settings.max_concurrency_per_instance,
        f"{absolute(settings.resolved_work_dir)}/spending",
    )
