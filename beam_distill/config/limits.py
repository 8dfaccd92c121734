"""Inputs about pace and patience."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from beam_distill.config.base import Section, setting
from beam_distill.config.fields import Flag, SizeBytes


def _read_mode(value: object) -> object:
    if isinstance(value, bool):  # YAML reads on and off as booleans
        return "on" if value else "off"
    return value.strip().lower() if isinstance(value, str) else value


class LimitSettings(Section):
    """How many requests at a time, and how long to wait."""

    initial_worker_count: int = setting(
        5, "limits", "concurrent requests at the start, per process", "Only the start of the search.", ge=1, le=10000
    )
    max_worker_count: int = setting(
        200,
        "limits",
        "concurrent requests at most, per process",
        "Too small leaves the endpoint idle; too large costs a longer search.",
        True,
        ge=1,
        le=10000,
    )
    max_requests_per_minute: int | None = setting(
        None, "limits", "cap, for an endpoint shared with production", "Per scoring process.", True, ge=1
    )
    max_cost: float | None = setting(
        None,
        "limits",
        "hard limit on what all runs of the job may cost; needs prices",
        "Over all runs in one work_dir, in the `currency` of `price_per_million_input_tokens` and `price_per_million_output_tokens`. Requests "
        "in flight count at their expected price, and even at their highest price the limit is not exceeded by more than 2 %, so the job "
        "slows down when the rest is below the highest price of the requests in flight. A run that reaches it ends with exit code 7; a "
        "higher one continues.",
        gt=0,
    )
    max_total_tokens: int | None = setting(
        None,
        "limits",
        "hard limit on the tokens, in and out, of all runs of the job",
        "Tokens from the endpoint's cache and of reasoning count like all others.",
        ge=1,
    )
    max_requests: int | None = setting(
        None,
        "limits",
        "hard limit on the requests of all runs of the job, retries included",
        "Exact: no more are sent. Those that could not reach the endpoint do not count.",
        ge=1,
    )
    share_identical_answers: Flag = setting(
        False,
        "limits",
        "rows with the same request share one answer",
        "Only at temperature 0, where the teacher would repeat its answer.",
    )
    hedge_stragglers: Flag = setting(
        False,
        "limits",
        "send a second request for stragglers when no new rows are left",
        "The first answer counts; both are paid for.",
    )
    max_retry_time_interval: float | None = setting(
        None,
        "limits",
        "seconds for one payload, retries and waits included",
        "Unset or 0: no such limit, only a budget per kind of failure, 429 longest (an hour).",
        ge=0,
    )
    initial_request_timeout: float = setting(
        180.0,
        "limits",
        "seconds the first attempt may take",
        "Too small cuts off answers that are being paid for. A streamed answer has no such limit.",
        gt=0,
    )
    max_request_timeout: float = setting(
        300.0,
        "limits",
        "seconds an attempt after a timeout may take",
        "Too small pays for long answers again; too large makes a run wait for its last rows: one that always hangs is a reject after two "
        "attempts, eight minutes with the defaults.",
        gt=0,
    )
    stream: Annotated[Literal["auto", "on", "off"], BeforeValidator(_read_mode)] = setting(
        "auto",
        "limits",
        "take answers token by token: auto, on, off",
        "`auto`: if they may be long, with teacher_model_max_new_tokens of 2048 or more, or after an answer took 30 s or a gateway "
        "ended one with 504; for an endpoint that cannot stream it turns itself off. Answers, ledger and datasets are the same. "
        "With `off` gateways may cut long answers, `on` costs more CPU for short ones.",
    )
    first_token_timeout: float = setting(
        600.0,
        "limits",
        "seconds until the first token of a streamed answer",
        "Includes the server's queue and hidden thinking: too small cuts off answers that are being paid for, too large holds a slot on a "
        "dead connection.",
        gt=0,
    )
    token_gap_timeout: float = setting(
        120.0,
        "limits",
        "seconds between two tokens of a streamed answer",
        "While tokens come, the answer has no time limit. Too small cuts off answers that are being paid for.",
        gt=0,
    )
    first_answer_patience: float = setting(
        15.0,
        "limits",
        "seconds to try an endpoint that never answered, not even with an error",
        "One that answers with errors only, such as 500 or 429, is tried for `outage_patience`.",
        gt=0,
    )
    outage_patience: float = setting(
        300.0,
        "limits",
        "seconds to wait for an endpoint that stopped answering, or only answers 429",
        "Too small stops runs that a limit per hour only delays, too large waits for nothing. A rerun continues where the run stopped.",
        gt=0,
    )
    drain_timeout: float = setting(20.0, "limits", "seconds to wait for answers in flight after Ctrl-C", ge=0)
    mini_batch_size: SizeBytes = setting(
        "100KB", "limits", "bytes of request payload in one batch", "Nothing waits for a full batch.", ge=1024, validate_default=True
    )
    debug_mode: Flag = setting(False, "limits", "a log line per request, without secrets or prompts")
    log_prompts: Flag = setting(False, "limits", "with debug_mode: prompts in the log too")


class GateSettings(Section):
    """When a dataset may be published."""

    min_endpoint_success_ratio: float = setting(
        0.7,
        "gate",
        "rows with a usable answer / rows asked, 0 to 1, per split",
        "Missing, failed, cut-off, filtered and unparsable answers count against it. 0 publishes whatever there is, "
        "also an empty dataset, with a warning.",
        True,
        ge=0,
        le=1,
    )
    min_readable_ratio: float = setting(
        0.5,
        "gate",
        "rows that could be sent / rows in, 0 to 1, per split",
        "Too small publishes a broken export as a small dataset; too large rejects a good one because of a few bad lines.",
        ge=0,
        le=1,
    )
    min_accepted_ratio: float = setting(
        0.0,
        "gate",
        "examples / rows asked, 0 to 1, per split",
        "Less than the success ratio where `checks` refuse usable answers. Too small publishes what a wrong teacher left of a dataset; too "
        "large pays for a dataset and publishes none. A split without any example is not published.",
        ge=0,
        le=1,
    )
    until_accepted: int | None = setting(
        None,
        "gate",
        "stop asking in a split that has this many accepted rows",
        "Rows that are asked by then are finished, so a few more may be published; the others are rejects, `not_needed`, and count in no ratio. "
        "Too small makes a small dataset, which a higher one continues without asking anything again.",
        ge=1,
    )
    send: Flag = setting(
        True,
        "gate",
        "false: send nothing, and publish from the ledger",
        "Rows without an answer there become rejects that count against the ratio. Neither the endpoint nor its key is needed.",
    )
