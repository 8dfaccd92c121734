"""The facts as the page tells them."""

from __future__ import annotations

import bisect
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from beam_distill.progress.tracker import Prices
from beam_distill.progress.words import duration
from beam_distill.report import charts
from beam_distill.report.explanations import explanation
from beam_distill.report.facts import Judged, LedgerFacts, RunCounts, messages_of
from beam_distill.report.run_files import RunFacts
from beam_distill.version import VERSION
from transforms.intake.formats.registry import place_in

LONGEST_TEXT = 4000
TOP_LABELS = 15
FAILURE_BARS = 48
PACE_STEPS = 90
FEWEST_READINGS = 8
"""Of the timeline, to draw from it what was in flight: fewer show the end of a short run and nothing before."""

_OUTCOMES = {
    "published": ("good", "Published"),
    "below_minimum": ("bad", "Not published: below the minimum"),
    "endpoint_stopped": ("bad", "Stopped: the endpoint refused or went away"),
    "storage_failed": ("bad", "Stopped: storage failed"),
    "interrupted": ("warn", "Interrupted"),
    "wrong_input": ("bad", "Nothing could be sent"),
    "defect": ("bad", "Ended by a defect"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture with its caption."""

    title: str
    svg: Markup
    note: str = ""


def render(run: RunFacts, ledger: LedgerFacts, rejects: dict[str, list[dict[str, Any]]], rejects_are_older: bool, prices: Prices | None) -> str:
    """The whole page. Every text from outside is escaped by the template; only the pictures, made here, are not.

    ``rejects_are_older``: they are those of the run before.
    """
    environment = Environment(
        loader=PackageLoader("beam_distill.report", ""),
        autoescape=select_autoescape(default_for_string=True, default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    input_format = run.settings.get("input_format")
    environment.filters["number"] = lambda value: f"{value:,}"
    return environment.get_template("report.html.j2").render(
        task=_task(run),
        badge=_badge(run),
        message=_message(run),
        endpoint=run.record.get("endpoint") or {},
        started=_moment(run.record.get("started")),
        tiles=list(_tiles(run, ledger, prices)),
        splits=_splits(run),
        reasons=_reasons(run),
        figures=list(_figures(run, ledger)),
        runs=list(_runs(run, ledger, prices)),
        torn=ledger.torn,
        examples=_told_apart([_example(record, judged, input_format) for record, judged in ledger.examples.values()]),
        rejects=[
            (reason, explanation(reason), [_reject(reject, ledger.questions, input_format) for reject in listed])
            for reason, listed in rejects.items()
        ],
        rejects_are_older=rejects_are_older,
        has_timeline=bool(run.samples),
        settings=[(name, _value(value), run.record.get("origins", {}).get(name, "default")) for name, value in run.settings.items()],
        version=VERSION,
        made=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        run_id=run.run_id,
        work_dir=run.work_dir,
    )


def _task(run: RunFacts) -> str:
    settings = run.settings
    ways = [name for name in ("chain_of_thought", "chain_of_density") if settings.get(f"enable_{name}")]
    return str(settings.get("data_generation_task_type") or "Distillation") + "".join(f" with {way.replace('_', ' ')}" for way in ways)


def _badge(run: RunFacts) -> tuple[str, str]:
    if run.finished:
        outcome = str(run.record.get("outcome"))
        return _OUTCOMES.get(outcome, ("warn", outcome.replace("_", " ")))
    if run.running:
        return "warn", "Running"
    return "warn", "Not finished"


def _message(run: RunFacts) -> str:
    if run.finished:
        return str(run.record.get("message") or "")
    if run.running:
        return "This is how far the run has come. Make the report again at any time with: beam-distill report WORK_DIR"
    return "The run ended without saying how. Every answer it received is on the ledger; run the same command again to go on."


def _moment(text: Any) -> str:
    try:
        return datetime.fromisoformat(str(text)).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return ""


def _tiles(run: RunFacts, ledger: LedgerFacts, prices: Prices | None) -> Iterator[tuple[str, str, str]]:
    """Name, value and a remark of each number at the head of the page."""
    splits = _splits(run)
    here = ledger.runs.get(run.run_id, RunCounts())
    if splits and run.finished:
        rows, examples = sum(split["rows"] for split in splits), sum(split["examples"] for split in splits)
        yield "rows in", f"{rows:,}", ""
        yield "examples", f"{examples:,}", f"{examples / rows:.1%} of rows" if rows else ""
        yield "rejects", f"{rows - examples:,}", ""
    elif run.samples:
        last = run.samples[-1]
        yield "rows done", f"{sum(last['rows'].values()):,}", ""
        if last.get("rejects") is not None:
            yield "rejects so far", f"{sum(last['rejects'].values()):,}", ""
    metrics = run.record.get("metrics") or {}
    if "requests_sent" in metrics:
        retried = metrics.get("requests_retried", 0)
        yield "requests", f"{metrics['requests_sent']:,}", f"{retried:,} retries" if retried else ""
    elif here.answers:
        yield "answers", f"{here.answers:,}", ""
    if run.record.get("left_out"):
        yield "left out of requests", ", ".join(run.record["left_out"]), "the teacher does not take it"
    yield "tokens in", f"{here.prompt_tokens:,}", "this run" if len(ledger.runs) > 1 else ""
    yield "tokens out", f"{here.completion_tokens:,}", "this run" if len(ledger.runs) > 1 else ""
    if prices is not None:
        paid = sum(prices.cost(counts.prompt_tokens, counts.completion_tokens) for counts in ledger.runs.values())
        now = prices.cost(here.prompt_tokens, here.completion_tokens)
        earlier = f"{prices.amount(paid)} with earlier runs" if len(ledger.runs) > 1 else ""
        yield "cost", prices.amount(now), ", ".join(filter(None, (prices.remark, earlier)))
    wall_s = run.record.get("wall_s")
    if wall_s is None and run.samples:
        wall_s = run.samples[-1]["t_s"]
    if wall_s is not None:
        pace = f"{here.answers / wall_s:.1f} answers/s" if here.answers and wall_s else ""
        yield "time", duration(wall_s), pace


def _splits(run: RunFacts) -> list[dict[str, Any]]:
    verdict = run.record.get("verdict") or {}
    return [{"name": name, **fields} for name, fields in (verdict.get("splits") or {}).items()]


def _reasons(run: RunFacts) -> list[tuple[str, list[int], str]]:
    """Each reason with its count per split, the most frequent first."""
    splits = _splits(run)
    if not splits and run.samples:
        found = run.samples[-1].get("rejects") or {}
        return [(reason, [count], explanation(reason)) for reason, count in sorted(found.items(), key=lambda item: -item[1])]
    names = {reason for split in splits for reason in split["rejected_by_reason"]}
    counts = {name: [split["rejected_by_reason"].get(name, 0) for split in splits] for name in names}
    return [(name, counts[name], explanation(name)) for name in sorted(names, key=lambda name: (-sum(counts[name]), name))]


def _figures(run: RunFacts, ledger: LedgerFacts) -> Iterator[Figure]:
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
    if ledger.answer_characters.total:
        svg = charts.spread_chart("lengths", "Length of usable answers", "characters", {"answers": ledger.answer_characters}, _whole)
        svg = svg.replace("are faster", "are shorter")
        yield Figure("Answer lengths", Markup(svg), which)
    if ledger.labels.total:
        top = ledger.labels.top(TOP_LABELS)
        svg = charts.labels_chart(top, ledger.labels.total - sum(count for _, count in top))
        several = len(ledger.labels.counts)
        note = f"{ledger.labels.total:,} answers, {'all the same' if several == 1 else f'{several:,} different ones'}."
        agreement = ledger.agreement
        if agreement.total and agreement.comparable:
            note += f" {agreement.same / agreement.total:.1%} of the {agreement.total:,} that came with a label are the same as it."
        elif agreement.total:
            example = agreement.a_label[:40]
            note += f" The labels that came with {agreement.total:,} rows are written otherwise ({example!r}), so they were not compared."
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
    bins = ledger.answered.coarser(PACE_STEPS)
    answered = list(bins.steps())
    if len(answered) < 2:
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
    note = f"Answers a second in steps of {step_s:g} s. Requests in flight follow from when answers were sent for and came."
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
        # what is answered up to the end of this step; the two may have steps of different length
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
    note = "A failed attempt is sent again where that can help; only rows that ran out of attempts are rejects."
    return Figure("Failed attempts", Markup(charts.failures_chart(edges, by_kind)), note)


def _runs(run: RunFacts, ledger: LedgerFacts, prices: Prices | None) -> Iterator[dict[str, Any]]:
    for run_id in sorted(ledger.runs):
        counts = ledger.runs[run_id]
        yield {
            "run_id": run_id,
            "this": run_id == run.run_id,
            "began": datetime.fromtimestamp(counts.first_sent_ms / 1000, timezone.utc).strftime("%Y-%m-%d %H:%M"),
            "time": duration((counts.last_answered_ms - counts.first_sent_ms) / 1000),
            "answers": counts.answers,
            "prompt_tokens": counts.prompt_tokens,
            "completion_tokens": counts.completion_tokens,
            "cost": None if prices is None else prices.amount(prices.cost(counts.prompt_tokens, counts.completion_tokens)),
            "cost_remark": "" if prices is None else prices.remark,
        }


def _example(record: dict[str, Any], judged: Judged, input_format: str | None) -> dict[str, Any]:
    messages = [(role, _shortened(text)) for role, text in messages_of(record)]
    return {
        "where": f"{record['split']}, {record['file']}, {place_in(record['file'], record['line'], input_format)}",
        "question": next((text for role, text in reversed(messages) if role == "user"), ""),
        "messages": messages,
        "raw": _shortened(judged.content or ""),
        "answer": _shortened(judged.answer or ""),
        "reference": record["reference_answer"],
        "facts": f"{record['prompt_tokens'] or '?'} tokens in, {record['completion_tokens'] or '?'} out, "
        f"{record['latency_ms'] / 1000:.2f} s, {record['attempts']} attempt{'s' if record['attempts'] != 1 else ''}",
    }


def _told_apart(examples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Questions that all begin with the same words are told apart by what follows them."""
    shared = os.path.commonprefix([example["question"] for example in examples]) if len(examples) > 1 else ""
    cut = shared.rfind(" ") + 1
    if cut > 40:
        for example in examples:
            example["question"] = f"… {example['question'][cut:]}"
    return examples


def _reject(reject: dict[str, Any], questions: dict[str, dict[str, Any]], input_format: str | None) -> dict[str, Any]:
    record = questions.get(str(reject.get("row_key")))
    raw = reject.get("raw_answer")
    return {
        "where": f"{reject.get('split')}, {reject.get('file')}, {place_in(str(reject.get('file')), reject.get('line'), input_format)}",
        "detail": _shortened(str(reject.get("detail") or "")),
        "attempts": reject.get("attempts") or 0,
        "raw": None if raw is None else _shortened(str(raw)),
        "messages": [] if record is None else [(role, _shortened(text)) for role, text in messages_of(record)],
    }


def _shortened(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]} … ({len(text) - LONGEST_TEXT:,} characters more)"


def _value(value: Any) -> str:
    return "-" if value is None else str(value)


def _decimal(value: float) -> str:
    return f"{value:.3g}"


def _whole(value: float) -> str:
    return f"{value:,.0f}"
