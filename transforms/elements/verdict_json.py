"""The verdict as JSON, and back."""

from __future__ import annotations

import json
from typing import Any

from transforms.elements.failures import EarlyStop, StopCause
from transforms.elements.replies import NOT_JUDGED, Judging
from transforms.elements.rows import Split
from transforms.elements.sample_tally import SampleTally
from transforms.elements.tally import SplitVerdict, SuccessTally, Verdict
from transforms.elements.usage import Usage


def verdict_fields(verdict: Verdict) -> dict[str, Any]:
    """The verdict as the JSON fields of verdict.json and run.json."""
    return {
        "stopped": (None if verdict.stopped is None else {"cause": verdict.stopped.cause.value, "detail": verdict.stopped.detail}),
        "splits": {part.split.value: _split_fields(part) for part in verdict.splits},
    }


def _split_fields(part: SplitVerdict) -> dict[str, Any]:
    tally = part.tally
    return {
        "rows": tally.rows,
        "repeats": tally.repeats,
        "examples": tally.examples,
        "rejects": tally.rejects,
        "rejected_by_reason": dict(sorted(tally.reasons.items())),
        "asked": tally.asked,
        "success_ratio": part.ratio,
        "minimum_success_ratio": part.minimum,
        "accepted_ratio": tally.accepted_ratio,
        "minimum_accepted_ratio": part.minimum_accepted,
        "published": part.published,
        "explanation": part.explanation,
        "missed_bounds": list(part.missed),
        "requests_sent": tally.requests_sent,
        "answers_reused": tally.reused_answers,
        "prompt_tokens": tally.usage.prompt,
        "completion_tokens": tally.usage.completion,
        "cached_tokens": tally.usage.cached,
        "reasoning_tokens": tally.usage.reasoning,
        **({} if tally.samples is None else {"samples": tally.samples.fields()}),
        **({} if tally.pairs is None else {"preference_pairs": tally.pairs}),
        **({} if tally.without_logprobs is None else {"without_logprobs": tally.without_logprobs}),
        **({} if tally.judging == NOT_JUDGED and not tally.verdicts_reused else {"judge": _judge_fields(tally)}),
    }


def _judge_fields(tally: SuccessTally) -> dict[str, int]:
    judging = tally.judging
    return {
        "requests_sent": judging.requests,
        "requests_retried": judging.retries,
        "requests_throttled": judging.throttled,
        "verdicts": judging.paid,
        "verdicts_shared": judging.shared,
        "verdicts_reused": tally.verdicts_reused,
        "prompt_tokens": judging.usage.prompt,
        "completion_tokens": judging.usage.completion,
        "cached_tokens": judging.usage.cached,
        "reasoning_tokens": judging.usage.reasoning,
    }


def _judging(fields: dict[str, int]) -> Judging:
    usage = Usage(*(fields[f"{name}_tokens"] for name in Usage._fields))
    sent, retried, throttled = (fields[f"requests_{name}"] for name in ("sent", "retried", "throttled"))
    return Judging(sent, fields["verdicts"], fields["verdicts_shared"], usage, retried, throttled)


def read_verdict(text: str) -> Verdict:
    """The inverse of ``verdict_fields``."""
    fields = json.loads(text)
    stopped = fields["stopped"]
    return Verdict(
        tuple(
            SplitVerdict(
                split=Split(name),
                tally=SuccessTally(
                    rows=part["rows"],
                    examples=part["examples"],
                    reasons=part["rejected_by_reason"],
                    usage=Usage(part["prompt_tokens"], part["completion_tokens"], part.get("cached_tokens", 0), part.get("reasoning_tokens", 0)),
                    requests_sent=part["requests_sent"],
                    reused_answers=part["answers_reused"],
                    repeats=part.get("repeats", 0),
                    samples=SampleTally.of_fields(part["samples"]) if "samples" in part else None,
                    pairs=part.get("preference_pairs"),
                    without_logprobs=part.get("without_logprobs"),
                    judging=_judging(part["judge"]) if "judge" in part else NOT_JUDGED,
                    verdicts_reused=part["judge"]["verdicts_reused"] if "judge" in part else 0,
                ),
                ratio=part["success_ratio"],
                minimum=part["minimum_success_ratio"],
                published=part["published"],
                explanation=part["explanation"],
                minimum_accepted=part.get("minimum_accepted_ratio", 0.0),
                missed=tuple(part.get("missed_bounds", ())),
            )
            for name, part in fields["splits"].items()
        ),
        None if stopped is None else EarlyStop(StopCause(stopped["cause"]), stopped["detail"]),
    )
