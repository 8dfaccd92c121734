"""Whether a run needs its teacher at all, and the endpoint of its requests."""

from __future__ import annotations

import logging
from typing import NamedTuple

from beam_distill.before_run.changed_settings import LIMIT, together
from beam_distill.before_run.preflight import settle_model, settled_route
from beam_distill.before_run.request_settings import changed_requests
from beam_distill.before_run.rows_to_send import endpoint_by_record, rows_to_send
from beam_distill.before_run.survey import SplitSurvey
from beam_distill.before_run.teacher_pool import Teacher, resolve_teacher
from beam_distill.config.settings import DistillSettings, as_judge
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.job.judge_specs import of_judge
from beam_distill.job.prices import prices_of
from beam_distill.job.specs import endpoint_spec, sampling_spec
from beam_distill.work_dir.files import fields_of
from transforms.files.paths import is_remote
from transforms.teacher.payload import PayloadTemplate
from transforms.teacher.specs import EndpointSpec

log = logging.getLogger("beam_distill")


class Settled(NamedTuple):
    """The teacher with its model, and whether anything may be sent to it. ``accepted`` are the rows on the ledger that give an example, by
    split, where these are counted."""

    teacher: Teacher
    send: bool
    accepted: tuple[tuple[str, int], ...] = ()


def settle_endpoint(settings: DistillSettings, asks_again: bool) -> Settled:
    """If the ledger answers every row, or ``send`` is false, neither the endpoint nor its key is needed. Raises RunRefused."""
    if not settings.send:
        teacher = Teacher(_by_record(settings))
        return Settled(teacher, False, _accepted(settings, teacher.endpoint))
    if asks_again:
        teacher = resolve_teacher(settings)
        return Settled(teacher, True, _accepted(settings, teacher.endpoint))
    # the command reads a remote ledger only if there is no other way
    if is_remote(settings.resolved_work_dir) and settings.until_accepted is None:
        try:
            teacher = resolve_teacher(settings)
        except RunRefused:
            recorded, _ = endpoint_by_record(settings)
            if recorded is None or not _all_answered(settings, recorded, _walked(settings, recorded)):
                raise
            return Settled(Teacher(recorded), False)
        _say_what_changed(settings)
        return Settled(teacher, True)
    recorded, _ = endpoint_by_record(settings)
    surveys = None if recorded is None else _walked(settings, recorded)
    if recorded is not None and surveys is not None and _all_answered(settings, recorded, surveys):
        return Settled(Teacher(recorded), False, _counts(surveys))
    teacher = resolve_teacher(settings)
    endpoint = teacher.endpoint
    if surveys is None or not _same_requests(settings, endpoint, recorded):
        surveys = _walked(settings, endpoint)
    changed = together(survey.changed for survey in surveys)
    for sentence in changed.sentences(settings.effective_max_new_tokens, prices_of(settings)):
        log.warning("%s", sentence)
    return Settled(teacher, True, _counts(surveys))


def _counts(surveys: list[SplitSurvey]) -> tuple[tuple[str, int], ...]:
    return tuple((survey.split, survey.accepted) for survey in surveys)


def _accepted(settings: DistillSettings, endpoint: EndpointSpec) -> tuple[tuple[str, int], ...]:
    return () if settings.until_accepted is None else _counts(_walked(settings, endpoint))


def settle_judge(settings: DistillSettings, endpoint: EndpointSpec) -> EndpointSpec:
    """The judge's endpoint with its route; its key is there, and is not refused. Raises RunRefused."""
    own = as_judge(settings)
    try:
        return settle_model(own, settled_route(own, endpoint))
    except RunRefused as refused:
        raise of_judge(refused) from None


def _say_what_changed(settings: DistillSettings) -> None:
    """Report the settings that differ from the latest run, if its ledger is not read."""
    records = [fields_of(f"{settings.resolved_work_dir}/{name}") for name in ("run.json", "started.json")]
    latest = max((record for record in records if record is not None), key=lambda record: str(record.get("run_id", "")), default={})
    before = latest.get("settings")
    if not isinstance(before, dict) or not (changed := changed_requests(before, settings)):
        return
    view = settings.public_view()
    differs = "; ".join(f"{name} {before[name]} -> {view.get(name)}" for name in changed)
    rows = "Rows that were cut off by the lower limit" if changed == [LIMIT] else "Rows that were answered then"
    log.warning(
        "the latest run in this work_dir had other settings: %s. %s may be sent, and paid for, again: "
        "beam-distill plan with the same inputs reads the ledger and reports how many, and their cost",
        differs,
        rows,
    )


def _walked(settings: DistillSettings, endpoint: EndpointSpec) -> list[SplitSurvey]:
    return rows_to_send(settings, endpoint, to_the_end=False)


def _all_answered(settings: DistillSettings, endpoint: EndpointSpec, surveys: list[SplitSurvey]) -> bool:
    if any(survey.to_send for survey in surveys):
        return False
    model = f" for the model {endpoint.model}" if endpoint.model is not None and settings.model is None else ""
    log.info("the ledger answers every row that can be sent%s: the teacher is not needed", model)
    for sentence in together(survey.changed for survey in surveys).sentences(settings.effective_max_new_tokens, None):
        log.info("%s", sentence)
    return True


def _same_requests(settings: DistillSettings, one: EndpointSpec, other: EndpointSpec | None) -> bool:
    """Whether rows have the same requests at both."""
    return other is not None and PayloadTemplate(one, sampling_spec(settings)).asks_like(PayloadTemplate(other, sampling_spec(settings)))


def _by_record(settings: DistillSettings) -> EndpointSpec:
    endpoint, doubt = endpoint_by_record(settings)
    if endpoint is not None:
        return endpoint
    if doubt is not None:
        return endpoint_spec(settings)
    raise RunRefused(ExitCode.WRONG_INPUT, f"send: false publishes from the ledger, and {settings.resolved_work_dir} has none; leave send out")
