"""The simulator as a command."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys

from beam_distill.simulator.answers import known_answers
from beam_distill.simulator.settings import (
    FAULTS,
    STREAM_FAULTS,
    Accuracy,
    Capacity,
    Latency,
    RateLimits,
    SimulatorSettings,
    StreamBehaviour,
    mixed_faults,
)

KINDS = FAULTS + STREAM_FAULTS
LATENCY = "zero, fixed, lognormal, per_token (%(default)s)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    server = parser.add_argument_group("server")
    server.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    server.add_argument("--port", type=int, default=8000, help="port; 0 for a free one (%(default)s)")
    server.add_argument("--seed", type=int, default=0, help="same seed, same behaviour (%(default)s)")
    server.add_argument("--model", action="append", help="model name to list; may be repeated (simulated-teacher)")
    server.add_argument(
        "--answers", action="append", default=[], metavar="FILE", help="chats in JSONL: answer their questions as they do; may be repeated"
    )
    server.add_argument("--right", type=float, default=1.0, metavar="SHARE", help="share of the known answers that are right (%(default)s)")
    server.add_argument(
        "--same_mistakes",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of the tries at a question that make the same mistake, or none (%(default)s)",
    )
    server.add_argument(
        "--judge",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="share of right verdicts where it is asked to judge answers to the known questions (%(default)s)",
    )
    server.add_argument("--require_key", metavar="KEY", help="answer 401 to requests without this made-up key")
    server.add_argument("--key_expires_after", type=float, metavar="SECONDS", help="answer 401 after this time")
    server.add_argument("--reasoning", choices=("none", "think", "field"), default="none", help="where reasoning is (%(default)s)")
    server.add_argument("--cached_share", type=float, default=0.0, help="share of prompt tokens that usage reports as cached (%(default)s)")
    server.add_argument("--reasoning_share", type=float, default=0.0, help="share of answer tokens that it reports as reasoning (%(default)s)")
    server.add_argument("--thinking_tokens", type=int, default=0, help="length of the reasoning, 0 for a few words (%(default)s)")
    server.add_argument(
        "--streams",
        choices=("yes", "ignored", "refused", "options_refused"),
        default="yes",
        metavar="HOW",
        help="support of streaming: yes, ignored, refused, options_refused (%(default)s)",
    )
    server.add_argument("--keep_alive_s", type=float, metavar="SECONDS", help="seconds between comments in a stream")
    server.add_argument("--requires_max_completion_tokens", action="store_true", help="refuse max_tokens, as reasoning models do")
    server.add_argument("--refuses", action="append", default=[], metavar="FIELD", help="refuse requests with this field, such as logprobs")
    time = parser.add_argument_group("time")
    time.add_argument("--latency", choices=("zero", "fixed", "lognormal", "per_token"), default="zero", metavar="MODE", help=LATENCY)
    time.add_argument("--latency_ms", type=float, default=500.0, help="mean of fixed and lognormal (%(default)s)")
    time.add_argument("--sigma", type=float, default=0.6, help="shape of lognormal (%(default)s)")
    time.add_argument("--prefill_ms", type=float, default=0.0, help="per_token: before the first token (%(default)s)")
    time.add_argument("--token_ms", type=float, default=10.0, help="per_token: each token (%(default)s)")
    time.add_argument("--load_token_ms", type=float, default=0.0, help="per_token: more for each running request (%(default)s)")
    time.add_argument(
        "--completion_tokens", type=float, default=0.0, metavar="TOKENS", help="mean reported length, 0 counts the text (%(default)s)"
    )
    time.add_argument("--completion_sigma", type=float, default=0.0, help="shape of that length (%(default)s)")
    limits = parser.add_argument_group("limits and faults")
    limits.add_argument("--slots", type=int, help="requests that run at a time; the rest waits")
    limits.add_argument("--queue_limit", type=int, help="requests that may wait; the rest gets 429")
    limits.add_argument("--slots_after", action="append", default=[], metavar="SECONDS=SLOTS", help="change the slots; may be repeated")
    limits.add_argument("--outage", action="append", default=[], metavar="FROM-TO", help="503 between these seconds; may be repeated")
    limits.add_argument("--requests_per_second", type=float)
    limits.add_argument("--requests_per_minute", type=float)
    limits.add_argument("--tokens_per_minute", type=float)
    limits.add_argument("--burst", type=float, help="requests that may come at once")
    limits.add_argument("--retry_after", choices=("none", "seconds", "ms", "date"), default="seconds", help="(%(default)s)")
    limits.add_argument("--rate_limit_headers", action="store_true", help="x-ratelimit-* on every response")
    limits.add_argument("--faults", type=float, default=0.0, metavar="SHARE", help="share of mixed faults, e.g. 0.1")
    limits.add_argument("--fault", action="append", default=[], metavar="KIND=P", help=", ".join(KINDS))
    limits.add_argument("--hang_s", type=float, default=3600.0, help="length of a hang, and of a gap in a stream (%(default)s)")


def settings_from_arguments(arguments: argparse.Namespace) -> SimulatorSettings:
    """The settings from the flags. Raises ValueError."""
    if not 0 <= arguments.port <= 65535:
        raise ValueError(f"--port {arguments.port}: expected 0 to 65535")
    for name in ("cached_share", "reasoning_share", "right", "same_mistakes", "judge"):
        if not 0 <= getattr(arguments, name) <= 1:
            raise ValueError(f"--{name} {getattr(arguments, name)}: expected 0 to 1")
    if arguments.right < 1 and not arguments.answers:
        raise ValueError("--right: only known answers can be wrong; name the file that has them with --answers")
    faults = mixed_faults(arguments.faults) if arguments.faults else {}
    for text in arguments.fault:
        kind, _, probability = text.partition("=")
        if kind not in KINDS:
            raise ValueError(f"--fault {text}: unknown kind; known are {', '.join(KINDS)}")
        faults[kind] = float(probability)
    steps = tuple((float(after), int(slots)) for after, _, slots in (text.partition("=") for text in arguments.slots_after))
    outages = tuple((float(start), float(end)) for start, _, end in (text.partition("-") for text in arguments.outage))
    return SimulatorSettings(
        host=arguments.host,
        port=arguments.port,
        seed=arguments.seed,
        models=tuple(arguments.model or ("simulated-teacher",)),
        api_key=arguments.require_key,
        key_expires_after_s=arguments.key_expires_after,
        latency=Latency(
            mode=arguments.latency,
            mean_ms=arguments.latency_ms,
            sigma=arguments.sigma,
            prefill_ms=arguments.prefill_ms,
            token_ms=arguments.token_ms,
            load_token_ms=arguments.load_token_ms,
            completion_tokens=arguments.completion_tokens,
            completion_sigma=arguments.completion_sigma,
        ),
        capacity=Capacity(arguments.slots, arguments.queue_limit, steps, outages),
        limits=RateLimits(
            requests_per_second=arguments.requests_per_second,
            requests_per_minute=arguments.requests_per_minute,
            tokens_per_minute=arguments.tokens_per_minute,
            burst=arguments.burst,
            hint=arguments.retry_after,
            headers=arguments.rate_limit_headers,
        ),
        faults=faults,
        reasoning=arguments.reasoning,
        cached_share=arguments.cached_share,
        reasoning_share=arguments.reasoning_share,
        thinking_tokens=arguments.thinking_tokens,
        streams=StreamBehaviour(arguments.streams, arguments.keep_alive_s, arguments.hang_s),
        requires_max_completion_tokens=arguments.requires_max_completion_tokens,
        refuses=tuple(arguments.refuses),
        hang_s=arguments.hang_s,
        answers=_answers(arguments.answers),
        accuracy=Accuracy(arguments.right, arguments.same_mistakes),
        judge=arguments.judge,
    )


def _answers(paths: list[str]) -> dict[str, str]:
    answers: dict[str, str] = {}
    for path in paths:
        try:
            with open(path, encoding="utf-8-sig") as file:
                answers.update(known_answers(file))
        except OSError as error:
            raise ValueError(f"--answers {path}: cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError):
            raise ValueError(f'--answers {path}: expected a chat in every line, as {{"messages": [{{"role": ..., "content": ...}}]}}') from None
    return answers


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM. 0, or 2 when a flag is wrong or the port is taken."""
    try:
        settings = settings_from_arguments(arguments)
    except ValueError as error:
        print(f"beam-distill simulate: {error}", file=sys.stderr)
        return 2
    with contextlib.suppress(ImportError):
        # late: keeps uvloop out of the start
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    try:
        asyncio.run(_serve(settings))
    except OSError as error:
        print(f"beam-distill simulate: cannot listen on {settings.host}:{settings.port}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


async def _serve(settings: SimulatorSettings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    # late: keeps aiohttp out of the start
    from beam_distill.simulator.server import serving  # declaring the flags does not need a web server

    async with serving(settings) as port:
        print(f"listening on http://{settings.host}:{port}/v1", flush=True)
        await stopping.wait()
