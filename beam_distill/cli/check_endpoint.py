"""The endpoint's part of ``beam-distill check``: the credential, the route, the model, one row on request."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from beam_distill.config.fields import number_shown
from beam_distill.config.settings import DistillSettings, as_judge
from beam_distill.config.teachers import member_text
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.job.judge_specs import judge_sampling, of_judge
from transforms.acceptance.base import CheckRefused, Sample
from transforms.elements.counted import counted
from transforms.elements.rows import PromptRequest
from transforms.teacher.kinds.registry import KINDS
from transforms.teacher.specs import CredentialKind, CredentialRef, EndpointSpec
from transforms.web.proxies import by_way_of

if TYPE_CHECKING:
    from beam_distill.before_run.teacher_pool import Teacher

SHOWN_LETTERS = 200


class Checked(NamedTuple):
    """What was found at an endpoint: 0 or the exit code that a run would have; ``is_unready`` if it answers only that it cannot serve now."""

    code: int
    is_unready: bool = False


class CheckedTeacher(NamedTuple):
    """What was found at all endpoints of the teacher, with its model. ``unready``: the addresses that cannot serve now."""

    code: int
    teacher: Teacher
    unready: list[str]


def check_teacher(settings: DistillSettings, sample: PromptRequest | None) -> CheckedTeacher:
    """Check every endpoint and print the results. ``sample`` is the request of sample_request.

    Raises RunRefused if a run could not start: with several endpoints, if none is usable.
    """
    # late: keeps aiohttp out of the start
    from beam_distill.before_run.preflight import settled_route
    from beam_distill.before_run.teacher_pool import Teacher, candidates, pool_of
    from beam_distill.job.specs import endpoint_spec

    if settings.teachers is None:
        checked, endpoint = _check(settings, settled_route(settings, endpoint_spec(settings)), sample, needs_model=True)
        return CheckedTeacher(checked.code, Teacher(endpoint), [endpoint.chat_url] * checked.is_unready)
    settled = []
    refusals = []
    unready = []
    code = 0
    for candidate in candidates(settings):
        print(f"teacher     {candidate.name}{member_text(candidate.entry)}")
        try:
            checked, endpoint = _check(candidate.alone, candidate.endpoint, sample)
            code = code or checked.code
            unready += [endpoint.chat_url] * checked.is_unready
        except RunRefused as refused:
            endpoint = candidate.endpoint
            refusals.append(refused)
            print(f"warning     {candidate.name}: {refused}")
        settled.append((candidate, endpoint))
    if len(refusals) == len(settled):
        raise RunRefused(refusals[0].code, "teachers: none of them can be used, see above")
    teacher = pool_of(settings, settled)
    usable = f"{len(settled) - len(refusals) - len(unready)} of {counted(len(settled), 'endpoint')}"
    print(f"pool        {usable} can be used, for the model {teacher.endpoint.model}")
    return CheckedTeacher(code or (int(refusals[0].code) if refusals else 0), teacher, unready)


def _check(
    settings: DistillSettings, endpoint: EndpointSpec, sample: PromptRequest | None, needs_model: bool = False
) -> tuple[Checked, EndpointSpec]:
    """What was found, and the endpoint with its model. ``needs_model``: whether no other endpoint of a pool may say the model."""
    # late: keeps aiohttp out of the start
    from beam_distill.before_run.preflight import NO_MODEL, lacks_model, probe
    from beam_distill.job.specs import with_model

    result = probe(settings, endpoint)
    print(f"access      {access_text(endpoint.credential)}")
    listed = ", ".join(result.models[:10]) or result.info_model or result.detail
    if KINDS[endpoint.kind].is_asked_by_listing and not result.models:
        listed += "; this does not prove that it accepts chats, --pilot 1 sends it a row"
    way = f", {way}" if (way := by_way_of(endpoint.chat_url)) else ""
    if result.is_unready:
        print(f"endpoint    {endpoint.chat_url} ({endpoint.kind.value}) answered {result.detail}")
    else:
        print(f"endpoint    {endpoint.chat_url} ({endpoint.kind.value}{way}) answers; models: {listed}")
    print(f"parameters  {parameters_text(settings)}")
    if settings.model is None and len(result.models) > 1:
        print(f"model       several are served: choose one with --model (exit code {int(ExitCode.WRONG_INPUT)})")
        return Checked(ExitCode.WRONG_INPUT), endpoint
    if settings.model is not None and result.models and settings.model not in result.models:
        print(f"model       {settings.model} is not among them: choose one of them with --model (exit code {int(ExitCode.WRONG_INPUT)})")
        return Checked(ExitCode.WRONG_INPUT), endpoint
    if endpoint.model is None and result.models:
        endpoint = with_model(endpoint, result.models[0])
    if needs_model and lacks_model(endpoint):
        print(f"model       {NO_MODEL} (exit code {int(ExitCode.WRONG_INPUT)})")
        return Checked(ExitCode.WRONG_INPUT), endpoint
    if settings.sample_request and sample is not None:
        return Checked(_send(settings, endpoint, sample)), endpoint
    if result.is_unready:
        _warn_unready("the endpoint", settings)
    return Checked(0, result.is_unready), endpoint


def _warn_unready(name: str, settings: DistillSettings) -> None:
    waits = f"a run waits up to {settings.outage_patience:g} s (outage_patience) for a server that is still loading its model"
    print(f"warning     {name} is not shown to be ready: {waits}")


def check_judge(settings: DistillSettings, sample: PromptRequest | None) -> tuple[int, list[str]]:
    """Check the judge's endpoint, if there is one, and print the results: as a run would begin, and one question where the teacher gets one.

    Returns 0 or the exit code that a run would have, and the endpoint's address if it cannot serve now. Raises RunRefused.
    """
    # late: keeps aiohttp out of the start
    from beam_distill.before_run.preflight import probe, settled_route
    from beam_distill.job.specs import judge_endpoint

    if not settings.has_judge:
        return 0, []
    own = as_judge(settings)
    endpoint = judge_endpoint(settings)
    try:
        endpoint = settled_route(own, endpoint)
        result = probe(own, endpoint)
    except RunRefused as refused:
        raise of_judge(refused) from None
    listed = ", ".join(result.models[:10]) or result.info_model or result.detail
    answers = f"answered {result.detail}" if result.is_unready else f"answers, with {access_text(endpoint.credential)}; models: {listed}"
    print(f"judge       {endpoint.chat_url} {answers}")
    if result.models and settings.judge_model not in result.models:
        print(f"judge       {settings.judge_model} is not among them: choose one with --judge_model (exit code {int(ExitCode.WRONG_INPUT)})")
        return ExitCode.WRONG_INPUT, []
    if settings.sample_request and sample is not None:
        return _judge_once(settings, endpoint, sample), []
    if result.is_unready:
        _warn_unready("the judge", own)
    return 0, [endpoint.chat_url] * result.is_unready


def _judge_once(settings: DistillSettings, endpoint: EndpointSpec, sample: PromptRequest) -> int:
    """Ask the judge about an answer that is certainly poor, to see that its verdict can be read."""
    # late: keeps aiohttp out of the start
    from beam_distill.job.specs import rules_of, stream_spec
    from transforms.teacher.probe import ask_once

    judge = rules_of(settings).referee
    assert judge is not None
    try:
        messages = judge.question(Sample(sample, ("?",) * len(sample.turns))).turns[0]
        result = ask_once(endpoint, judge_sampling(settings), messages, settings.initial_request_timeout, stream_spec(settings))
        if result.reply is None:
            assert result.failure is not None
            print(f"verdict     failed: {result.failure.shown}")
            return ExitCode.WRONG_INPUT
        score = judge.score(result.reply)
    except CheckRefused as refused:
        print(f"verdict     cannot be used: {refused.detail}")
        return ExitCode.WRONG_INPUT
    tokens = "?" if result.reply.completion_tokens is None else result.reply.completion_tokens
    print(f"verdict     {score:g} for the answer '?' to the first row, {tokens} tokens in {result.latency_ms:.0f} ms")
    return 0


def parameters_text(settings: DistillSettings) -> str:
    """The sampling parameters and their bounds; other values have been refused before."""
    return (
        f"temperature {number_shown(settings.teacher_model_temperature)} (0 to 2), top_p {number_shown(settings.teacher_model_top_p)} (0 to 1), "
        f"penalties {number_shown(settings.teacher_model_frequency_penalty)} and {number_shown(settings.teacher_model_presence_penalty)} "
        f"(-2 to 2), at most "
        f"{settings.effective_max_new_tokens} tokens; Azure's /chat/completions accepts temperature only up to 1"
    )


def access_text(ref: CredentialRef) -> str:
    """A description of the credential, without secrets."""
    if ref.kind is CredentialKind.NONE:
        return "no credential"
    if ref.kind is CredentialKind.IDENTITY:
        return f"a token for {ref.place} from this machine's identity ({ref.identity.source})"
    names = {
        CredentialKind.ENVIRONMENT: "the key in the environment variable",
        CredentialKind.FILE: "the key in the file",
        CredentialKind.CONNECTION: "the key of the connection",
        CredentialKind.SERVERLESS_KEY: "the key of the serverless endpoint",
        CredentialKind.ONLINE_KEY: "the key of the online endpoint",
        CredentialKind.ONLINE_TOKEN: "a token of the online endpoint",
    }
    where = f" in {ref.workspace}" if ref.workspace is not None else ""
    return f"{names[ref.kind]} {ref.place}{where}"


def _send(settings: DistillSettings, endpoint: EndpointSpec, sample: PromptRequest) -> int:
    # late: keeps aiohttp out of the start
    from beam_distill.job.specs import sampling_spec, stream_spec
    from transforms.teacher.probe import ask_once

    messages = sample.messages_for_turn(0, ())
    result = ask_once(endpoint, sampling_spec(settings), messages, settings.initial_request_timeout, stream_spec(settings))
    if result.failure is not None:
        print(f"sample      failed: {result.failure.kind.value} ({result.failure.detail}): {result.failure.excerpt[:SHOWN_LETTERS]}")
        return ExitCode.WRONG_INPUT
    assert result.reply is not None
    text = " ".join((result.reply.content or "(no content)").split())[:SHOWN_LETTERS]
    tokens = "?" if result.reply.completion_tokens is None else result.reply.completion_tokens
    first_ms = result.reply.first_token_ms
    streamed = "" if first_ms is None else f" (streamed, the first after {first_ms:.0f} ms)"
    ended = result.reply.finish_reason or "not given"
    print(f"sample      {tokens} tokens in {result.latency_ms:.0f} ms{streamed}, finish_reason {ended}: {text}")
    return 0
