"""Inputs about the judge: the model that the check ``judge`` asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beam_distill.config.base import Section, setting
from beam_distill.config.fields import (
    AuthenticationType,
    ConnectionName,
    EndpointKindName,
    EndpointUrl,
    JudgeBody,
    KeyPath,
    NumberOrNone,
    TemplateText,
    VariableName,
)
from transforms.acceptance.judge import DEFAULT_LEAST_SCORE
from transforms.acceptance.registry import JUDGE
from transforms.acceptance.rubrics import HIGHEST, LOWEST


class JudgeSettings(Section):
    """The model that the check ``judge`` asks, and what it is asked."""

    judge_model_endpoint_url: EndpointUrl | None = setting(
        None,
        "judge",
        "the judge's address: base URL, /v1, or full path",
        "For the check `judge`. It has its own limits and health; timeouts, patience and `ca_bundle` are those of the teacher.",
    )
    judge_model: str | None = setting(
        None, "judge", "model name to send to the judge", "Another model asks the judge, and only the judge, about every answer again."
    )
    judge_api_key_env: VariableName | None = setting(None, "judge", "environment variable with the judge's key", "Looked up on the worker.")
    judge_api_key_file: KeyPath | None = setting(None, "judge", "file with the judge's key", "Read on the worker, again after a 401.")
    judge_model_endpoint_name: str | None = setting(
        None,
        "judge",
        "name of an Azure ML endpoint that judges",
        "In place of an address, as `teacher_model_endpoint_name`, in the same workspace.",
    )
    judge_connection_name: ConnectionName | None = setting(
        None, "judge", "Azure ML workspace connection with the judge's key", "Its target is the default address, as with `connection_name`."
    )
    judge_authentication_type: AuthenticationType | None = setting(
        None, "judge", "as authentication_type, for the judge", "The identity, its scope and the workspace are those of the teacher."
    )
    judge_endpoint_kind: EndpointKindName | None = setting(
        None, "judge", "as endpoint_kind, for the judge", "For a host whose name does not say it, such as a gateway before Azure."
    )
    judge_extra_body: JudgeBody | None = setting(
        None,
        "judge",
        "JSON object merged into every question to the judge",
        "For `reasoning_effort`, `response_format`, `top_p` and similar. For a secret write `${NAME}`, an environment variable of the worker. "
        "A changed one asks the judge about every answer again.",
    )
    judge_temperature: NumberOrNone = setting(
        0.0,
        "judge",
        "temperature of the judge, 0 to 2; none: not sent",
        "Above 0 it may say something else of the same answer; models that think may need it. A judge that refuses it does without.",
        ge=0,
        le=2,
    )
    judge_min_score: float | None = setting(
        None,
        "judge",
        f"lowest accepted score, {LOWEST} to {HIGHEST} ({DEFAULT_LEAST_SCORE:g})",
        "Too small accepts answers that the judge finds wrong; too large refuses right ones, and pays for further samples. Changing it asks "
        "the judge nothing again.",
        ge=LOWEST,
        le=HIGHEST,
    )
    judge_rubric: TemplateText | None = setting(
        None,
        "judge",
        "what the judge is asked, in place of our wording",
        "`@FILE` reads it from a file. A template with `{{ question }}`, `{{ answer }}`, `{{ reference }}` (the row's label) and "
        "`{{ instructions }}` (its system message); the last two are empty in rows without one. It must ask for a JSON object with a `score` "
        f"from {LOWEST} to {HIGHEST} and a `reason`. A changed one asks the judge, and only the judge, about every answer again.",
    )
    judge_max_new_tokens: int = setting(
        1024,
        "judge",
        "longest verdict in tokens, thinking included",
        "Too small cuts verdicts off, which refuses the answer; too large costs only if the judge writes too much.",
        ge=1,
    )
    judge_max_worker_count: int = setting(
        200,
        "judge",
        "concurrent requests to the judge at most, per process",
        "Too small leaves the judge idle; too large costs a longer search.",
        ge=1,
        le=10000,
    )
    judge_max_requests_per_minute: int | None = setting(
        None, "judge", "cap, for a judge shared with others", "Per scoring process. Too small, and the run waits for verdicts.", ge=1
    )
    judge_price_per_million_input_tokens: float | None = setting(
        None, "judge", "price of a million tokens to the judge", "In the `currency` of the teacher's prices.", ge=0
    )
    judge_price_per_million_output_tokens: float | None = setting(None, "judge", "price of a million tokens from the judge", ge=0)


def judge_contradictions(settings: Mapping[str, Any]) -> list[str]:
    """The contradictions between the inputs about the judge; ``settings`` are by name."""
    if JUDGE not in (settings.get("checks") or ()):
        return []
    problems = []
    if settings.get("judge_model") is None:
        problems.append("judge_model: missing; name the model that the judge's requests are for")
    prices = {kind: settings.get(f"judge_price_per_million_{kind}_tokens") for kind in ("input", "output")}
    missing = [f"judge_price_per_million_{kind}_tokens" for kind, price in prices.items() if price is None]
    if settings.get("max_cost") is not None and missing:
        problems.append(f"max_cost: covers the judge too, and needs {' and '.join(missing)}; give 0 for tokens that cost nothing")
    return problems
