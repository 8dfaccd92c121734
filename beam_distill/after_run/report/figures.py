"""The charts of the report, and the data that each needs."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from beam_distill.after_run.report import charts
from beam_distill.after_run.report.ledger_facts import LedgerFacts
from beam_distill.after_run.report.run_files import RunFacts
from beam_distill.after_run.report.sentences import sentence

FAILURE_BARS = 48
PACE_STEPS = 90
TOP_LABELS = 15
ANSWERS_PER_STEP = 4
"""Answers per step on average, for a smooth line."""
FEWEST_STEPS = 6
"""Steps of the pace: with fewer the chart shows nothing."""
FEWEST_READINGS = 8
"""Samples of the timeline for the requests in flight: fewer show only the end of a short run."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its caption."""

    title: str
    svg: Markup
    note: str = ""


def figures(run: RunFacts, ledger: LedgerFacts) -> Iterator[Figure]:
    """Every chart with enough data."""
    pace = _pace(run, ledger)
    if pace is not None:
        yield pace
    failures = _failures(run.samples)
    if failures is not None:
        yield failures
    which = "" if len(ledger.runs) <= 1 else "All answers on the ledger, those of earlier runs too."
    if ledger.latency_ms.total:
        svg = charts.spread_chart("latency", "Latency of answers", "seconds", {"answers": _in_seconds(ledger.latency_ms)}, _decimal)
        yield Figure("Latency", Markup(svg), which)
    tokens = {name: histogram for name, histogram in (("in", ledger.prompt_tokens), ("out", ledger.completion_tokens)) if histogram.total}
    if tokens:
        svg = charts.spread_chart("tokens", "Tokens of a request", "tokens", tokens, _whole)
        means = ", ".join(f"{histogram.mean:,.0f} {name}" for name, histogram in tokens.items())
        yield Figure("Tokens", Markup(svg), f"On average {means}. {which}")
    if ledger.answer_characters.total and not ledger.labels.total:  # the counts of labels are below
        svg = charts.spread_chart("lengths", "Length of usable answers", "characters", {"answers": ledger.answer_characters}, _whole)
        svg = svg.replace("are faster", "are shorter")
        yield Figure("Answer lengths", Markup(svg), which)
    top = ledger.labels.top(TOP_LABELS)
    shown = sum(count for _, count in top)
    if shown > ledger.labels.total / 2:  # if most answers occur only once or twice, a chart shows nothing
        svg = charts.labels_chart(top, ledger.labels.total - shown)
        several = len(ledger.labels.counts)
        note = f"{ledger.labels.total:,} answers, {'all the same' if several == 1 else f'{several:,} different ones'}."
        if ledger.agreement.total:
            note += f" {sentence(ledger.agreement.sentence)}."
        yield Figure("Answers given", Markup(svg), note)


def _in_seconds(histogram: Any) -> Any:
    return _Scaled(histogram, 1000.0)


class _Scaled:
    """A histogram in another unit."""

    def __init__(self, histogram: Any, divisor: float) -> None:
        self._histogram, self._divisor = histogram, divisor

    def quantile(self, share: float) -> float:
        return float(self._histogram.quantile(share) / self._divisor)

    def bars(self) -> tuple[list[float], list[int]]:
        edges, counts = self._histogram.bars()
        return [edge / self._divisor for edge in edges], counts


def _pace(run: RunFacts, ledger: LedgerFacts) -> Figure | None:
    count = sum(ledger.answered.sums.values())
    bins = ledger.answered.coarser(max(1, int(min(PACE_STEPS, count / ANSWERS_PER_STEP))))
    answered = list(bins.steps())
    if len(answered) < FEWEST_STEPS:
        return None
    step_s = bins.step_s
    began = min(ledger.sent.sums) * ledger.sent.step_s
    if run.samples and "at_ms" in run.samples[0]:
        began = run.samples[0]["at_ms"] / 1000 - run.samples[0]["t_s"]
    answers = ([at - began for at, _ in answered], [count / step_s for _, count in answered])
    samples = [sample for sample in run.samples if sample.get("in_flight") is not None]
    if len(samples) >= FEWEST_READINGS:
        times = [sample["t_s"] for sample in samples]
        in_flight = (times, [sample["in_flight"] for sample in samples])
        limit = (times, [sample["limit"] for sample in samples])
        return Figure("Pace", Markup(charts.pace_chart(answers, in_flight, limit)), f"Answers a second in steps of {step_s:g} s.")
    in_flight = _derived_in_flight(ledger, began)
    note = f"Answers a second in steps of {step_s:g} s. Requests in flight are computed from the times of requests and answers."
    return Figure("Pace", Markup(charts.pace_chart(answers, in_flight, None)), note)


def _derived_in_flight(ledger: LedgerFacts, began: float) -> tuple[list[float], list[float]]:
    """Requests sent and not yet answered at the end of each step."""
    answered = [(at, amount) for at, amount in ledger.answered.steps()]
    ends = [at for at, _ in answered]
    totals: list[float] = []
    for _, amount in answered:
        totals.append((totals[-1] if totals else 0.0) + amount)
    times, values = [], []
    sent = 0.0
    for at, amount in ledger.sent.steps():
        sent += amount
        # answers up to the end of this step; the two may have different step lengths
        place = bisect.bisect_right(ends, at + ledger.sent.step_s - ledger.answered.step_s) - 1
        times.append(at - began)
        values.append(max(0.0, sent - (totals[place] if place >= 0 else 0.0)))
    return times, values


def _failures(samples: Sequence[dict[str, Any]]) -> Figure | None:
    if len(samples) < 2 or not any(samples[-1]["failures"].values()):
        return None
    longest = samples[-1]["t_s"]
    bars = min(FAILURE_BARS, len(samples))
    edges = [longest * number / bars for number in range(bars + 1)]
    totals = sorted(samples[-1]["failures"].items(), key=lambda item: (-item[1], item[0]))
    kinds = [kind for kind, _ in totals[: len(charts.SERIES) - 1]]
    by_kind = {kind: [0.0] * bars for kind in kinds}
    before: dict[str, int] = {}
    for sample in samples:
        place = min(bars - 1, int(sample["t_s"] / longest * bars)) if longest else 0
        for kind, total in sample["failures"].items():
            counts = by_kind.setdefault(kind if kind in kinds else "other", [0.0] * bars)
            counts[place] += total - before.get(kind, 0)
        before = sample["failures"]
    note = "A failed attempt is sent again if that can help; only rows without further attempts are rejects."
    return Figure("Failed attempts", Markup(charts.failures_chart(edges, by_kind)), note)


def _decimal(value: float) -> str:
    return f"{value:.3g}"


def _whole(value: float) -> str:
    return f"{value:,.0f}"
