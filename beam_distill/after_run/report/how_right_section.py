"""The section about how right the teacher was: samples, what checks refused, agreement with labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from beam_distill.after_run.how_right import agreement_text, votes_text
from beam_distill.after_run.report import charts
from beam_distill.after_run.report.ledger_facts import Sampled, ToRead
from beam_distill.after_run.report.run_files import RunFacts
from beam_distill.job.prices import Prices
from transforms.acceptance.registry import CHECKS
from transforms.elements.counted import counted
from transforms.elements.sample_tally import RefusedSample, SampleTally
from transforms.elements.usage import Usage


@dataclass(frozen=True, slots=True)
class HowRight:
    """One split: sentences, the refused samples by reason with their explanation, how many rows had which share accepted, and refused samples
    to read, each with its record."""

    name: str
    sentences: list[str]
    refused: list[tuple[str, int, str]]
    chart: Markup | None
    to_read: list[tuple[RefusedSample, str, dict[str, Any]]]


def _tallies(run: RunFacts) -> Iterator[tuple[str, dict[str, Any], SampleTally]]:
    """Each split of a run that has checks or several samples: its name, its fields in the record, and its samples."""
    for name, split in ((run.record.get("verdict") or {}).get("splits") or {}).items():
        if split.get("samples") and split["samples"]["samples"]:
            yield name, split, SampleTally.of_fields(split["samples"])


def samples_to_read(run: RunFacts) -> ToRead:
    """The samples of a run that the report shows."""
    tallies = [tally for _, _, tally in _tallies(run)]
    refused = frozenset((one.row_key, one.sample, one.turn) for tally in tallies for one in tally.refused_to_read)
    accepted = frozenset(one for tally in tallies for one in tally.accepted_to_read)
    return ToRead(refused=refused, accepted=accepted if refused else None)


def how_right(run: RunFacts, prices: Prices | None, records: Mapping[Sampled, dict[str, Any]]) -> Iterator[HowRight]:
    """Each split of a run that has checks or several samples. ``records`` has those of ``samples_to_read``."""
    for name, split, tally in _tallies(run):
        examples = split["examples"]
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
        if tally.votes:
            sentences.append(f"Votes: {votes_text(tally)}.")
        refused = [
            (reason, count, run.explained(reason)) for reason, count in sorted(tally.refused.items(), key=lambda item: (-item[1], item[0]))
        ]
        found = ((one, records.get((one.row_key, one.sample, one.turn))) for one in tally.refused_to_read)
        to_read = [(one, check_of(one.reason), record) for one, record in found if record is not None]
        yield HowRight(name, sentences, refused, _chart(name, tally), to_read)


def check_of(reason: str) -> str:
    """The check that refuses answers for this reason; empty if the answer was not usable."""
    return next((name for name, kind in CHECKS.items() if reason in kind.reasons), "")


def _chart(name: str, tally: SampleTally) -> Markup | None:
    """Rows by the share of their samples that was accepted; None where it is the same for all."""
    if len(tally.pass_tenths) < 2:
        return None
    names = ["under 10 %", *(f"{tenth * 10} to {tenth * 10 + 9} %" for tenth in range(1, 10)), "all"]
    shares = [(shown, tally.pass_tenths.get(tenth, 0)) for tenth, shown in enumerate(names)]
    return Markup(charts.counts_chart(f"accepted-{name}", "Rows by the share of their samples that was accepted", shares))
