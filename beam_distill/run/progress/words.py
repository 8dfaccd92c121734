"""The parts of a progress message, the same in every display."""

from __future__ import annotations

from beam_distill.run.progress.tracker import ProgressView, SplitProgress
from transforms.elements.counted import counted, duration
from transforms.elements.usage import Usage


def rate(value: float) -> str:
    """A rate per second, with a decimal only for small values."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def parts_of(usage: Usage) -> list[str]:
    """The tokens that are counted separately, if any."""
    parts = [f"{usage.cached:,} tokens in from the cache"] * bool(usage.cached)
    return parts + [f"{usage.reasoning:,} tokens out of reasoning"] * bool(usage.reasoning)


def of_total(split: SplitProgress) -> str:
    """``523 of 1,000``, or with a lower bound of the total."""
    if split.total is not None:
        return f"{split.done:,} of {split.total:,}"
    return f"{split.done:,} of at least {split.read:,}" if split.read > split.done else f"{split.done:,}"


def pace(view: ProgressView) -> list[str]:
    """The rates."""
    return [
        f"{rate(view.rows_per_s)} rows/s",
        f"tokens/s {rate(view.prompt_tokens_per_s)} in, {rate(view.completion_tokens_per_s)} out",
    ]


def endpoint(view: ProgressView) -> list[str]:
    """The state of the endpoint."""
    reading = view.reading
    parts = []
    if reading.in_flight is not None:
        parts.append(f"{reading.in_flight} in flight of {reading.limit} allowed")
    if reading.backing_off:
        parts.append(f"{reading.backing_off} waiting to be sent again")
    if reading.retries is not None:
        parts.append(counted(reading.retries, "retry", "retries"))
        parts.append(f"{reading.throttled:,} throttled (429)")
    return parts


def judge(view: ProgressView) -> list[str]:
    """The judge's verdicts and its state."""
    state = view.reading.judge
    if state is None:
        return []
    parts = [counted(state.verdicts, "verdict")]
    if state.in_flight is not None:
        parts.append(f"{state.in_flight} in flight of {state.limit} allowed")
    if state.waiting:
        parts.append(f"{state.waiting:,} waiting")
    if state.throttled:
        parts.append(f"{state.throttled:,} throttled (429)")
    return [f"judge {', '.join(parts)}"]


def outcome(view: ProgressView) -> list[str]:
    """The results of the rows."""
    parts = [] if view.rejects is None else [counted(view.rejects, "reject")]
    if view.reading.given_up:
        parts.append(f"{view.reading.given_up:,} without an answer")
    if view.reading.reused:
        parts.append(f"{counted(view.reading.reused, 'answer')} from the ledger")
    return parts


def time_and_money(view: ProgressView) -> list[str]:
    """Time and cost."""
    parts = [f"{duration(view.elapsed_s)} so far", *parts_of(view.reading.usage)]
    if view.left_s is not None:
        parts.append(f"about {duration(view.left_s)} left")
    if view.cost is not None:
        parts.append(f"{view.cost} so far")
    if view.expected_cost is not None:
        parts.append(f"about {view.expected_cost} in all")
    if view.cost_remark:
        parts.append(f"cost: {view.cost_remark}")
    return parts
