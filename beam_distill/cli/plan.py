"""``beam-distill plan``: what would be done, and where each setting came from. Needs no Beam."""

from __future__ import annotations

from beam_distill.config.settings import DistillSettings
from beam_distill.config.sources import ResolvedSettings


def run(resolved: ResolvedSettings) -> int:
    """Print the plan and every setting."""
    print(plan_text(resolved))
    print("\nsettings")
    view = resolved.settings.public_view()
    width = max(map(len, view))
    for name, value in view.items():
        print(f"  {name:<{width}}  {_shown(value)}  ({resolved.origins.get(name, 'default')})")
    return 0


def plan_text(resolved: ResolvedSettings) -> str:
    """The job in a few lines."""
    settings = resolved.settings
    authentication = settings.resolved_authentication
    lines = [
        f"task        {_task(settings)}",
        f"train       {settings.train_file_path} -> {settings.generated_batch_train_file_path}",
    ]
    if settings.generated_batch_validation_file_path:
        source = settings.validation_file_path or "(no input: an empty file)"
        lines.append(f"validation  {source} -> {settings.generated_batch_validation_file_path}")
    if settings.limit:
        lines.append(f"pilot       only the first {settings.limit} rows of each split")
    where = settings.teacher_model_endpoint_url or settings.teacher_model_endpoint_name or settings.connection_name
    lines += [
        f"teacher     {where} ({settings.model or 'the model that it lists'})",
        f"access      {authentication.kind}: {authentication.reason}",
        f"answers     at most {settings.effective_max_new_tokens} tokens, temperature {settings.teacher_model_temperature:g}, "
        f"top_p {settings.teacher_model_top_p:g}",
        f"parallel    {_ceiling(settings)}",
        f"gate        at least {settings.min_endpoint_success_ratio:.0%} of each split's rows",
        f"work_dir    {settings.resolved_work_dir}",
    ]
    return "\n".join(lines)


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
    total = instances * processes * workers
    text = f"{instances} x {processes} x {workers} = at most {total} requests at a time (instances x processes x max_worker_count)"
    if settings.max_requests_per_minute:
        text += f", at most {settings.max_requests_per_minute} a minute per process"
    return text


def _shown(value: object) -> str:
    return "-" if value is None else str(value)
