"""``beam-distill plan``: what would be done, and where each setting came from. Contacts nobody; loads Beam only to look at rows."""

from __future__ import annotations

import argparse
import glob
import os

from beam_distill.cli.check_endpoint import member_text
from beam_distill.config.fields import number_shown
from beam_distill.config.settings import DistillSettings
from beam_distill.config.sources import ResolvedSettings
from beam_distill.config.teachers import declared_models, each_teacher
from transforms.elements.counted import counted
from transforms.files.paths import is_remote


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what only this command takes."""
    parser.add_argument_group("plan").add_argument("--defaults", action="store_true", help="list the inputs that were not given, too")


def run(resolved: ResolvedSettings, defaults: bool = False) -> int:
    """Print the plan, what was given and where, and on request the ``defaults`` of all other inputs."""
    print(plan_text(resolved))
    for line in _rows(resolved.settings):
        print(line)
    view = resolved.settings.public_view()
    given = [name for name in view if name in resolved.origins]
    others = [name for name in view if name not in resolved.origins]
    width = max(map(len, view if defaults else given), default=0)
    print("\ngiven")
    for name in given:
        print(f"  {name:<{width}}  {_shown(view[name])}  ({resolved.origins[name]})")
    if not defaults:
        print(f"\n{counted(len(others), 'other input')} with default values: beam-distill plan --defaults lists them")
        return 0
    print("\ndefaults")
    for name in others:
        print(f"  {name:<{width}}  {_shown(view[name])}  (default)")
    return 0


def _rows(settings: DistillSettings) -> list[str]:
    """Rows to send and rows that the ledger answers."""
    for pattern in (settings.train_file_path, settings.validation_file_path):
        if pattern is not None and not is_remote(pattern) and not os.path.lexists(pattern) and not glob.glob(pattern):
            return [f"rows        not counted: no file matches {pattern}"]
    from beam_distill.before_run.estimate import experience_on_ledger
    from beam_distill.before_run.limits import limits_and_warnings
    from beam_distill.before_run.preflight import check_files
    from beam_distill.before_run.rows_to_send import endpoint_by_record, rows_to_send
    from beam_distill.exit_codes import RunRefused
    from beam_distill.job.prices import prices_of
    from beam_distill.job.spending import has_limits
    from transforms.teacher.specs import EndpointSpec

    try:
        check_files(settings)
    except RunRefused as refused:
        return [f"rows        not counted: {refused}"]
    endpoint, doubt = endpoint_by_record(settings)
    surveys = rows_to_send(settings, endpoint or EndpointSpec(""))
    lines = []
    for survey in surveys:
        bad = f"; {counted(survey.bad, 'reject')}, see beam-distill check" if survey.bad else ""
        lines.append(f"rows        {survey.split}: {survey.to_send:,} to send, {survey.answered:,} answered on the ledger{bad}")
        sentences = survey.changed.sentences(settings.effective_max_new_tokens, prices_of(settings))
        lines += [f"            {sentence}" for sentence in sentences]
    if has_limits(settings):
        model = endpoint.model if endpoint is not None else settings.model
        seen = experience_on_ledger(f"{settings.resolved_work_dir}/ledger", model)
        said, warnings = limits_and_warnings(settings, surveys, seen)
        lines += [f"limit       {line}" for line in said] + [f"warning     {warning}" for warning in warnings]
    return lines + ([f"            {doubt}"] if doubt else [])


def plan_text(resolved: ResolvedSettings) -> str:
    """The job in a few lines."""
    settings = resolved.settings
    lines = [
        f"task        {_task(settings)}",
        f"train       {settings.train_file_path} -> {settings.generated_batch_train_file_path}",
    ]
    if settings.generated_batch_validation_file_path:
        source = settings.validation_file_path or "(no input: an empty file)"
        lines.append(f"validation  {source} -> {settings.generated_batch_validation_file_path}")
    if settings.limit:
        lines.append(f"pilot       only the first {counted(settings.limit, 'row')} of each split")
    lines += [
        *_teacher(settings),
        f"answers     at most {settings.effective_max_new_tokens} tokens, temperature {number_shown(settings.teacher_model_temperature)}, "
        f"top_p {number_shown(settings.teacher_model_top_p)}{', system messages merged' * (settings.teacher_system_messages == 'merge')}",
        f"parallel    {_ceiling(settings)}",
        f"gate        at least {settings.min_endpoint_success_ratio:.0%} of each split's rows asked",
        f"work_dir    {settings.resolved_work_dir}",
    ]
    return "\n".join(lines)


def _teacher(settings: DistillSettings) -> list[str]:
    """Who is asked, and how the door opens, one endpoint after another."""
    if settings.teachers is None:
        where = settings.teacher_model_endpoint_url or settings.teacher_model_endpoint_name or settings.connection_name
        authentication = settings.resolved_authentication
        return [
            f"teacher     {where} ({settings.model or 'the model that it lists'})",
            f"access      {authentication.kind}: {authentication.reason}",
        ]
    models = ", ".join(declared_models(settings)) or "the model that they list"
    lines = [f"teacher     {counted(len(settings.teachers), 'endpoint')} as one pool ({models})"]
    for entry, alone in zip(settings.teachers, each_teacher(settings), strict=True):
        name = f"{entry.name or entry.where}{member_text(entry)}"
        lines += [f"            {name}", f"              access {alone.resolved_authentication.kind}: {alone.resolved_authentication.reason}"]
    return lines


def _task(settings: DistillSettings) -> str:
    ways = []
    if settings.enable_chain_of_thought:
        ways.append("chain of thought")
    if settings.enable_chain_of_density:
        ways.append(f"chain of density, {settings.max_len_summary} words")
    return settings.data_generation_task_type.value + (f" with {', '.join(ways)}" if ways else "")


def _ceiling(settings: DistillSettings) -> str:
    instances, processes, workers = (
        settings.instance_count,
        settings.max_concurrency_per_instance,
        settings.max_worker_count,
    )
    endpoints = len(settings.teachers or (1,))
    total = instances * processes * workers * endpoints
    factors, names = f"{instances} x {processes} x {workers}", "instances x processes x max_worker_count"
    if endpoints > 1:
        factors, names = f"{factors} x {endpoints}", f"{names} x endpoints"
    text = f"{factors} = at most {total} requests at a time ({names})"
    if settings.max_requests_per_minute:
        text += f", at most {settings.max_requests_per_minute} a minute per process" + " and endpoint" * (endpoints > 1)
    return text


def _shown(value: object) -> str:
    return "-" if value is None else str(value)
