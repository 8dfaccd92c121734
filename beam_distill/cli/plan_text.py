"""The job in a few lines, for ``plan`` and for the start of ``run``."""

from __future__ import annotations

from beam_distill.config.fields import number_shown
from beam_distill.config.settings import DistillSettings, as_judge, declared_models, each_teacher
from beam_distill.config.sources import ResolvedSettings
from beam_distill.config.teachers import member_text
from transforms.acceptance.judge import DEFAULT_LEAST_SCORE
from transforms.acceptance.rubrics import HIGHEST
from transforms.acceptance.selection import Keep, SelectionSpec
from transforms.elements.counted import counted
from transforms.elements.data_specs import ALL_COLUMNS
from transforms.elements.judge_settings import with_judges_settings


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
    left_out = _left_out(settings)
    if left_out:
        lines.append(f"left out    {'; '.join(left_out)}")
    lines += [
        *_teacher(settings),
        f"answers     at most {settings.effective_max_new_tokens} tokens, temperature {number_shown(settings.teacher_model_temperature)}, "
        f"top_p {number_shown(settings.teacher_model_top_p)}{_more_asked(settings)}",
        *_samples(settings),
        f"parallel    {_ceiling(settings)}",
        *([f"checks      {', '.join(settings.checks)}"] if settings.checks else []),
        *_metadata(settings),
        *_judge(settings),
        *(f"pairs       {path}" for name, path in settings.outputs.items() if name.startswith("preference_")),
        f"gate        at least {settings.min_endpoint_success_ratio:.0%} of each split's rows asked{_accepted(settings)}",
        *([f"until       {settings.until_accepted:,} accepted rows in each split"] if settings.until_accepted is not None else []),
        f"work_dir    {settings.resolved_work_dir}",
    ]
    return "\n".join(lines)


def _accepted(settings: DistillSettings) -> str:
    if not settings.min_accepted_ratio:
        return ""
    return f" with a usable answer, and {settings.min_accepted_ratio:.0%} accepted"


def _more_asked(settings: DistillSettings) -> str:
    top = settings.teacher_model_top_logprobs
    merged = ", system messages merged" * (settings.teacher_system_messages == "merge")
    return merged + ("" if top is None else f", with log probabilities{f' of the {top} likeliest tokens' if top else ''}")


def _metadata(settings: DistillSettings) -> list[str]:
    kept = settings.keep_columns or ()
    if not settings.has_metadata:
        return []
    columns = "all other columns of the rows" if ALL_COLUMNS in kept else f"columns {', '.join(kept)}" if kept else ""
    return [f"metadata    how each answer was found{' and ' + columns if columns else ''}"]


def _left_out(settings: DistillSettings) -> list[str]:
    named = {"exact": "rows that ask what an earlier row asks", "near": "rows that ask what an earlier row asks, or nearly"}
    lines = [named[settings.drop_doubles]] if settings.drop_doubles in named else []
    if settings.drop_leaks:
        lines.append("rows to train on that are validation rows, or nearly")
    if settings.decontaminate_against is not None:
        lines.append(f"rows that are in {settings.decontaminate_against}")
    return lines


def _teacher(settings: DistillSettings) -> list[str]:
    """The endpoints and their authentication, one after another."""
    if settings.teachers is None:
        authentication = settings.resolved_authentication
        return [
            f"teacher     {_where(settings)} ({settings.model or 'the model that it lists'})",
            f"access      {authentication.kind}: {authentication.reason}",
        ]
    models = ", ".join(declared_models(settings)) or "the model that they list"
    lines = [f"teacher     {counted(len(settings.teachers), 'endpoint')} as one pool ({models})"]
    for entry, alone in zip(settings.teachers, each_teacher(settings), strict=True):
        name = f"{entry.name or entry.where}{member_text(entry)}"
        lines += [f"            {name}", f"              access {alone.resolved_authentication.kind}: {alone.resolved_authentication.reason}"]
    return lines


def _where(settings: DistillSettings) -> str | None:
    return settings.teacher_model_endpoint_url or settings.teacher_model_endpoint_name or settings.connection_name


def _task(settings: DistillSettings) -> str:
    ways = []
    if settings.enable_chain_of_thought:
        ways.append("chain of thought")
    if settings.enable_chain_of_density:
        ways.append(f"chain of density, {settings.max_len_summary} words")
    way = f" with {', '.join(ways)}" if ways else ""
    return f"{settings.data_generation_task_type.value}{way}"


def _samples(settings: DistillSettings) -> list[str]:
    if settings.samples == 1:
        return []
    selection = SelectionSpec.from_settings(settings.model_dump(mode="json"))
    enough = "all of them" if selection.keep is not Keep.FIRST else "until one is accepted"
    if selection.votes is not None:
        enough = f"until the vote is decided, with at least {selection.votes} votes"
    return [f"samples     at most {settings.samples} answers a row, {enough}; kept: {selection.keep.value}"]


def _judge(settings: DistillSettings) -> list[str]:
    if not settings.has_judge:
        return []
    rubric = "our rubric" if settings.judge_rubric is None else "judge_rubric"
    least = DEFAULT_LEAST_SCORE if settings.judge_min_score is None else settings.judge_min_score
    own = as_judge(settings)
    access = own.resolved_authentication
    return [
        f"judge       {_where(own)} ({settings.judge_model}), by {rubric}: {least:g} of {HIGHEST} or more is accepted",
        f"            access {access.kind}: {with_judges_settings(access.reason)}",
    ]


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
