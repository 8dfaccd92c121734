"""Writes the files for the training and run.json at the end of a run."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import datetime
from typing import Any

from beam_distill.after_run.answer_signs import sign_warnings
from beam_distill.after_run.endpoints_used import endpoint_warnings
from beam_distill.after_run.handoff.write import write_handoff
from beam_distill.after_run.judge_line import judge_warnings
from beam_distill.after_run.left_out import left_out_warnings
from beam_distill.after_run.request_failures import CommonFailure, holds_failures, most_frequent
from beam_distill.after_run.result import RunResult, shown_path
from beam_distill.after_run.run_record import write_run_json
from beam_distill.before_run.input_warnings import input_warnings
from beam_distill.before_run.limits_left import limits_of, rest_text
from beam_distill.config.settings import DistillSettings
from beam_distill.config.sources import ResolvedSettings
from beam_distill.exit_codes import ExitCode
from beam_distill.job.spending import has_limits, spent_in
from beam_distill.work_dir.earlier_files import note_published
from beam_distill.work_dir.files import objects_of
from transforms.elements.counted import counted
from transforms.files.paths import is_remote


def record_run(resolved: ResolvedSettings, result: RunResult, started: datetime, endpoint: dict[str, Any]) -> RunResult:
    """Write the files for the training and run.json. Returns the result with their paths, or with the write error."""
    result = replace(result, warnings=result.warnings + _warnings(resolved.settings, result, endpoint.get("model")))
    try:
        result = _with_limits(resolved.settings, result)
        result = replace(result, failures=_failures(result), first_reject=_first_reject(result))
        if result.verdict is not None:
            note_published(result.work_dir, result.datasets)
            handoff = write_handoff(resolved.settings, result.verdict, result.datasets, endpoint.get("model"))
            if handoff is not None:
                result = replace(result, handoff_path=handoff.folder, handoff_holds=handoff.holds)
        return replace(result, run_json_path=write_run_json(resolved, result, started, endpoint))
    except Exception as error:
        if not isinstance(error, OSError) and not is_remote(result.work_dir):
            raise
        return replace(result, exit_code=ExitCode.STORAGE_FAILED, message=f"run.json or the files for the training cannot be written: {error}")


def _failures(result: RunResult) -> tuple[CommonFailure, ...]:
    """The endpoint's messages about failed requests; reads the rejects only if there are any."""
    splits = result.verdict.splits if result.verdict is not None else ()
    if result.rejects_path is None or not any(holds_failures(part.tally.reasons) for part in splits):
        return ()
    return most_frequent(objects_of(result.rejects_path))


def _first_reject(result: RunResult) -> str:
    """What is wrong with the first row that could not be sent, if none of its split could; empty if some could."""
    unsent = {part.split.value for part in (result.verdict.splits if result.verdict is not None else ()) if part.ratio is None}
    if result.rejects_path is None or not unsent:
        return ""
    first = next((reject for reject in objects_of(result.rejects_path) if reject.get("split") in unsent), {})
    return f"{first.get('file')}, line {first.get('line')}: {first.get('detail')}" if first.get("detail") else ""


def _with_limits(settings: DistillSettings, result: RunResult) -> RunResult:
    """The result with the spent part of the job's limits, and if one is reached, the estimate for the rest."""
    if not has_limits(settings):
        return result
    spent = spent_in(result.work_dir)
    result = replace(result, limits=tuple(limit.text for limit in limits_of(settings, spent)))
    if result.exit_code is ExitCode.BUDGET_SPENT and result.verdict is not None:
        result = replace(result, message=f"{result.message} {rest_text(settings, spent, result.verdict)}")
    return result


def _warnings(settings: DistillSettings, result: RunResult, model: str | None) -> tuple[str, ...]:
    warnings = left_out_warnings(result.metrics) + endpoint_warnings(result.metrics)
    are_summaries = settings.data_generation_task_type.condenses
    warnings += sign_warnings(result.metrics, model, settings.teacher_model_stop or (), settings.samples > 1, are_summaries)
    for part in result.verdict.splits if result.verdict is not None else ():
        warnings += judge_warnings(part, shlex.quote(shown_path(result.work_dir)))
        warnings += input_warnings(
            part.split.value,
            part.tally.rows,
            part.tally.readable,
            part.tally.asked,
            settings.data_generation_task_type,
            settings.limit is not None,
            settings.min_readable_ratio,
        )
        if part.published and not part.tally.examples:
            warnings.append(
                f"{part.split.value}: the published dataset is empty: none of {counted(part.tally.asked, 'row')} asked gave an example, and "
                "min_endpoint_success_ratio 0 publishes it all the same"
            )
        if part.tally.stopped is None and part.tally.examples < (settings.until_accepted or 0):
            why = "a part of the job ran twice; run it again to go on" if part.tally.not_needed else "the input has no more rows"
            found = f"{part.split.value}: {counted(part.tally.examples, 'accepted row')}"
            warnings += (f"{found}, and until_accepted is {settings.until_accepted:,}: {why}",)
    return tuple(warnings)
