"""The section about how right the teacher was: samples, what checks refused, agreement with labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from beam_distill.after_run.how_right import agreement_text
from beam_distill.after_run.report import charts
from beam_distill.after_run.report.run_files import RunFacts
from beam_distill.job.prices import Prices
from transforms.elements.counted import counted
from transforms.elements.sample_tally import SampleTally
from transforms.elements.usage import Usage


@dataclass(frozen=True, slots=True)
class HowRight:
    """One split: sentences, the refused samples by reason with their explanation, and how many rows had which share accepted."""

    name: str
    sentences: list[str]
    refused: list[tuple[str, int, str]]
    chart: Markup | None


def how_right(run: RunFacts, prices: Prices | None) -> Iterator[HowRight]:
    """Each split of a run that has checks or several samples."""
    for name, split in ((run.record.get("verdict") or {}).get("splits") or {}).items():
        if not split.get("samples") or not split["samples"]["samples"]:
            continue
        tally, examples = SampleTally.of_fields(split["samples"]), split["examples"]
        sentences = [
            f"{counted(tally.samples, 'sample')} of {counted(tally.rows, 'row')}; the checks accepted {tally.accepted / tally.samples:.1%}."
        ]
        if examples:
            each = f"{tally.samples / examples:.2f} samples for each row with an example"
            usage = Usage(*(split.get(f"{kind}_tokens", 0) for kind in Usage._fields))
            cost = "" if prices is None else f", {prices.amount(prices.cost(usage) / examples)} for each in this run"
            sentences.append(f"{each}{cost}.")
        if tally.labelled:
            sentences.append(f"{agreement_text(tally)}.")
        refused = [
            (reason, count, run.explained(reason)) for reason, count in sorted(tally.refused.items(), key=lambda item: (-item[1], item[0]))
        ]
        yield HowRight(name, sentences, refused, _chart(name, tally))


def _chart(name: str, tally: SampleTally) -> Markup | None:
    """Rows by the share of their samples that was accepted; None where it is the same for all."""
    if len(tally.pass_tenths) < 2:
        return None
    names = ["under 10 %", *(f"{tenth * 10} to {tenth * 10 + 9} %" for tenth in range(1, 10)), "all"]
    shares = [(shown, tally.pass_tenths.get(tenth, 0)) for tenth, shown in enumerate(names)]
    return Markup(charts.counts_chart(f"accepted-{name}", "Rows by the share of their samples that was accepted", shares))
