"""Estimates for a job: tokens, time, cost. Each number states its basis."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from beam_distill.before_run.doubles_found import Saving
from beam_distill.job.prices import Prices
from beam_distill.work_dir.records import RunCounts, records
from transforms.elements.counted import counted, duration
from transforms.elements.usage import Usage
from transforms.ledger.avro_schema import paid_usage

BYTES_PER_TOKEN = 4.0
"""English text in a request body; other scripts and much markup have fewer bytes per token, so more tokens."""
FEWEST_FOR_A_RATE = 5
ENOUGH_FOR_A_RATE = 1000


@dataclass(frozen=True, slots=True)
class Experience:
    """The usage of answers so far. ``bytes_sent`` counts requests with reported tokens."""

    answers: int = 0
    bytes_sent: int = 0
    tokens: Usage = Usage()
    latency_s: float = 0.0
    answers_per_s: float | None = None

    @property
    def is_enough(self) -> bool:
        """Whether there is enough for an estimate."""
        return self.answers > 0 and self.bytes_sent > 0


def experience_on_ledger(ledger_dir: str, model: str | None) -> Experience:
    """The usage of one model's answers on a ledger; the rate is that of the run with most answers."""
    answers = sent = 0
    tokens = Usage()
    latency_ms = 0.0
    runs: defaultdict[str, RunCounts] = defaultdict(RunCounts)
    for record in records(ledger_dir, []):
        if record["model"] != model or record["prompt_tokens"] is None or not record["attempts"]:
            continue
        answers += 1
        sent += len(record["payload"].encode())
        tokens = tokens.plus(paid_usage(record))
        latency_ms += record["latency_ms"]
        runs[record["run_id"]].add(record)
    rate = None
    if runs:
        most = max(runs.values(), key=lambda run: run.answers)
        span_s = (most.last_answered_ms - most.first_sent_ms) / 1000
        rate = most.answers / span_s if most.answers >= FEWEST_FOR_A_RATE and span_s > 0 else None
    return Experience(answers, sent, tokens, latency_ms / 1000 / answers if answers else 0.0, rate)


def estimate_lines(
    requests: int, payload_bytes: int, max_new_tokens: int, at_a_time: int, usage: Experience, prices: Prices | None
) -> list[str]:
    """The estimate for ``requests`` to send, as lines of text."""
    if requests == 0:
        return ["estimate    nothing is left to be sent"]
    ask = "--pilot 20 sends 20 rows and shows"
    expected = expected_tokens(requests, payload_bytes, max_new_tokens, usage)
    if usage.is_enough:
        basis = f"from {counted(usage.answers, 'answer')} on the ledger"
        lines = [f"tokens in   about {_about(expected.prompt)} ({basis})", f"tokens out  about {_about(expected.completion)} ({basis})"]
    else:
        lines = [
            f"tokens in   about {_about(expected.prompt)} (taken as {BYTES_PER_TOKEN:g} bytes a token; {ask})",
            f"tokens out  at most {expected.completion:,.0f} (as if every answer reached the limit of {max_new_tokens}; {ask})",
        ]
    if usage.answers_per_s is None:
        lines.append(f"time        not known ({ask})")
    else:
        least_s = requests * usage.latency_s / at_a_time
        lines.append(
            f"time        {duration(least_s)} to {duration(max(least_s, requests / usage.answers_per_s))}: the shorter time if the endpoint "
            f"takes {at_a_time} requests at a time without getting slower, the longer one at the {usage.answers_per_s:.1f} answers/s observed"
            + ("" if usage.answers >= ENOUGH_FOR_A_RATE else ", with so few rows that it was never full")
        )
    if prices is None:
        lines.append("cost        give --price_per_million_input_tokens and --price_per_million_output_tokens")
    else:
        lines.append(f"cost        {'about' if usage.is_enough else 'at most'} {prices.shown(prices.cost(expected))}")
    return lines


def saving_line(switch: str, saving: Saving, max_new_tokens: int, usage: Experience, prices: Prices | None) -> str | None:
    """What a switch would save of the requests to send; None if nothing."""
    if not saving.requests:
        return None
    expected = expected_tokens(saving.requests, saving.payload_bytes, max_new_tokens, usage)
    at_most = "about" if usage.is_enough else "at most"
    tokens = f"about {_about(expected.prompt)} tokens in and {at_most} {_about(expected.completion)} out"
    cost = "" if prices is None else f", {at_most} {prices.shown(prices.cost(expected))}"
    return f"saving      {switch} would save {counted(saving.requests, 'request')}: {tokens}{cost}"


def expected_tokens(requests: int, payload_bytes: int, max_new_tokens: int, usage: Experience) -> Usage:
    """The tokens of these requests, from earlier answers; without any, as if every answer had the longest length."""
    if not usage.is_enough:
        return Usage(round(payload_bytes / BYTES_PER_TOKEN), requests * max_new_tokens)
    seen = usage.tokens
    per_byte, per_request = payload_bytes / usage.bytes_sent, requests / usage.answers
    return Usage(
        round(seen.prompt * per_byte), round(seen.completion * per_request), round(seen.cached * per_byte), round(seen.reasoning * per_request)
    )


def _about(tokens: float) -> str:
    """Rounded to two digits, the precision of the estimate."""
    digits = max(0, len(str(round(tokens))) - 3)
    return f"{round(tokens, -digits):,.0f}"
