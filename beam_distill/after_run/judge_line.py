"""What the judge took, in words: for the summary and the report."""

from __future__ import annotations

from collections.abc import Iterable

from beam_distill.job.prices import Prices
from transforms.elements.counted import counted
from transforms.elements.replies import NOT_JUDGED
from transforms.elements.tally import SuccessTally
from transforms.elements.usage import Usage


def tokens_text(usage: Usage) -> str:
    """Tokens in and out, with the cached and reasoning parts."""
    cached = f" ({usage.cached:,} from the cache)" if usage.cached else ""
    reasoning = f" ({usage.reasoning:,} of reasoning)" if usage.reasoning else ""
    return f"{usage.prompt:,} in{cached}, {usage.completion:,} out{reasoning}"


def judge_line(tallies: Iterable[SuccessTally], prices: Prices | None) -> str:
    """Requests, verdicts, tokens and cost of this run; empty if no judge was asked and no verdict used."""
    judging, reused = NOT_JUDGED, 0
    for tally in tallies:
        judging = judging.plus(tally.judging)
        reused += tally.verdicts_reused
    if judging == NOT_JUDGED and not reused:
        return ""
    cost = "" if prices is None else f"; cost {prices.shown(prices.cost(judging.usage))}"
    return (
        f"{counted(judging.requests, 'request')}; {counted(reused, 'verdict')} taken from the ledger; tokens {tokens_text(judging.usage)}{cost}"
    )
