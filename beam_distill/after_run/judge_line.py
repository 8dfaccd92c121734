"""What the judge took, in words: for the summary and the report."""

from __future__ import annotations

from collections.abc import Iterable

from beam_distill.job.prices import Prices
from transforms.elements.counted import counted
from transforms.elements.reasons import JUDGE_FAILED, NO_VERDICT, explanation
from transforms.elements.replies import NOT_JUDGED
from transforms.elements.tally import SplitVerdict, SuccessTally
from transforms.elements.usage import Usage

NOTABLE_SHARE = 0.1
"""From this share of a split's rows on, the fault is in the judge rather than in the rows."""


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
    again = f" ({counted(judging.retries, 'retry', 'retries')}, {judging.throttled:,} throttled)" if judging.retries or judging.throttled else ""
    cost = "" if prices is None else f"; cost {prices.shown(prices.cost(judging.usage))}"
    questions = f"{counted(judging.requests, 'request')}{again}; {counted(reused, 'verdict')} taken from the ledger"
    return f"{questions}; tokens {tokens_text(judging.usage)}{cost}"


def judge_warnings(part: SplitVerdict, work_dir: str) -> list[str]:
    """What to do about a judge that gave no score for many of a split's rows."""
    tally, warnings = part.tally, []
    for reason in (NO_VERDICT, JUDGE_FAILED):
        count = tally.reasons.get(reason, 0)
        if count >= max(1, NOTABLE_SHARE * tally.asked):
            of = f"{count:,} of {counted(tally.asked, 'row')} asked ({reason})"
            advice = explanation(reason).replace("WORK_DIR", work_dir)
            warnings.append(f"{part.split.value}: the judge gave no score for {of}. {advice}")
    return warnings
