"""The endpoints of a job: the given one, or several as a pool."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from beam_distill.before_run.preflight import resolve_endpoint, settle_model, settled_route
from beam_distill.config.settings import DistillSettings, as_alone, names_of
from beam_distill.config.teachers import TeacherEntry
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.job.specs import common_endpoint, endpoint_spec
from transforms.teacher.specs import EndpointSpec, PoolMember

log = logging.getLogger("beam_distill")


@dataclass(frozen=True, slots=True)
class Teacher:
    """The teacher with its model: ``endpoint`` is for the request hash, ``pool`` has the endpoints if there are several."""

    endpoint: EndpointSpec
    pool: tuple[PoolMember, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One endpoint of several, before the probe. ``alone`` are the settings with it as the only one."""

    name: str
    entry: TeacherEntry
    alone: DistillSettings
    endpoint: EndpointSpec


def candidates(settings: DistillSettings) -> list[Candidate]:
    """Every endpoint of ``teachers``, looked up if only a name is given. Raises RunRefused, which names the endpoint."""
    found = []
    for number, entry in enumerate(settings.teachers or (), start=1):
        alone = as_alone(settings, entry)
        try:
            found.append((entry, alone, settled_route(alone, endpoint_spec(alone))))
        except RunRefused as refused:
            raise RunRefused(refused.code, f"teachers, entry {number} ({entry.where}): {refused}") from None
    names = names_of(settings, [urlsplit(endpoint.chat_url).netloc.rpartition("@")[2] for _, _, endpoint in found])
    return [Candidate(name, *rest) for name, rest in zip(names, found, strict=True)]


def resolve_teacher(settings: DistillSettings) -> Teacher:
    """The endpoints with their models. Raises RunRefused.

    If one of several cannot be reached or refuses us now, there is a warning and it stays in the pool: rows are sent to it when it answers, or
    it is taken out then. Permanent errors, and a pool in which none answers, raise.
    """
    if settings.teachers is None:
        return Teacher(resolve_endpoint(settings))
    settled: list[tuple[Candidate, EndpointSpec]] = []
    silent: list[str] = []
    for candidate in candidates(settings):
        try:
            settled.append((candidate, settle_model(candidate.alone, candidate.endpoint)))
        except RunRefused as refused:
            said = f"{candidate.name}: {refused}"
            if refused.code is not ExitCode.ENDPOINT_STOPPED:
                raise RunRefused(refused.code, f"teachers, {said}") from None
            silent.append(said)
            settled.append((candidate, candidate.endpoint))
    if len(silent) == len(settled):
        raise RunRefused(ExitCode.ENDPOINT_STOPPED, "teachers: none of them can be used now\n" + "\n".join(silent))
    for said in silent:
        log.warning("%s. The other endpoints continue without it", said)
    return pool_of(settings, settled)


def pool_of(settings: DistillSettings, settled: list[tuple[Candidate, EndpointSpec]]) -> Teacher:
    """The pool of endpoints, each with its model if known. Raises RunRefused if the models differ."""
    models = list(dict.fromkeys(model for candidate, endpoint in settled if (model := _declared(settings, candidate, endpoint)) is not None))
    if not models:
        raise RunRefused(ExitCode.WRONG_INPUT, "model: none of the teachers reports its model; name it with --model")
    if len(models) > 1 and not settings.teachers_may_differ:
        reported = "; ".join(f"{candidate.name}: {_declared(settings, candidate, endpoint) or 'not known'}" for candidate, endpoint in settled)
        raise RunRefused(
            ExitCode.WRONG_INPUT,
            f"teachers: the models differ ({reported}), and a dataset should come from one teacher. "
            f"If one model has several names, give its name "
            "as model and each endpoint's name for it as deployment; otherwise teachers_may_differ allows it",
        )
    model = settings.model or models[0]
    members = tuple(
        PoolMember(
            candidate.name,
            endpoint if endpoint.model is not None else replace(endpoint, model=model),
            candidate.alone.max_requests_per_minute,
            candidate.entry.weight,
            candidate.entry.overflow,
        )
        for candidate, endpoint in settled
    )
    return Teacher(replace(common_endpoint([member.endpoint for member in members]), model=model), members)


def _declared(settings: DistillSettings, candidate: Candidate, endpoint: EndpointSpec) -> str | None:
    return candidate.entry.model or settings.model or endpoint.model
