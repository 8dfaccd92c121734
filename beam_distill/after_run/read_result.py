"""Reads the result of an ended job from its work_dir."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from beam_distill.after_run.result import RunResult, preference_of
from beam_distill.before_run.input_state import InputState, changed_since
from beam_distill.exit_codes import FOR_STOP, ExitCode
from beam_distill.work_dir.leftovers import remove_staging, remove_unfinished_copies
from transforms.control.run_control import unfinished_requests
from transforms.elements.conclusion import Conclusion, as_written, read_conclusion
from transforms.elements.counted import counted
from transforms.elements.data_specs import InputSpec, RunFiles
from transforms.elements.tally import Verdict
from transforms.elements.verdict_json import read_verdict
from transforms.files.shards import published_as
from transforms.files.stored import files_for


def with_losses(result: RunResult) -> RunResult:
    """The result with the open requests of lost scoring processes; removes temporary files from the work_dir.

    Processes count since the last run that ended: the next run reports the losses of a failed run too.
    """
    staging = f"{result.work_dir}/staging"
    with suppress(Exception):  # every filesystem has errors of its own, and the verdict does not depend on this
        processes, requests = unfinished_requests(f"{staging}/*/control")
        result = replace(result, processes_lost=processes, open_when_lost=requests)
    remove_staging(result.work_dir, keep_control=result.verdict is None)
    return result


def read_result(
    rows: InputSpec, files: RunFiles, run_id: str, work_dir: str, metrics: dict[str, Any], inputs: InputState | None = None
) -> RunResult:
    """The result of an ended job: its verdict, with the counts of the written files. Removes the unfinished copies of lost processes.

    ``inputs`` is the state of the input when the run began, if known.
    """
    remove_unfinished_copies(rows, files)
    conclusion = read_conclusion(files_for(files.conclusion_path).read(files.conclusion_path).decode())
    verdict = as_written(read_verdict(files_for(files.verdict_path).read(files.verdict_path).decode()), conclusion)
    datasets = {}
    for part in rows.splits:
        if part.pattern is None or verdict.for_split(part.split).published:
            rows_in = 0 if part.pattern is None else verdict.for_split(part.split).tally.rows
            for name, output in ((part.split.value, part.output), (preference_of(part.split.value), part.preference)):
                if output is not None:
                    datasets[name] = published_as(output, None if part.shards is None else part.shards_of(rows_in))
    code, message = exit_code_of(verdict)
    if conclusion.changed:
        code, message = ExitCode.STORAGE_FAILED, _changed(conclusion, changed_since(inputs, rows) if inputs is not None else "", files)
    return RunResult(
        code,
        message,
        run_id,
        work_dir,
        verdict=verdict,
        datasets=datasets,
        rejects_path=files.rejects_path,
        metrics=metrics,
        repeated=conclusion.repeated,
        warnings=tuple(
            f"ledger: {part.path}: {counted(part.kept, 'record')} can be read; {part.why}. Lost requests are sent again"
            for part in conclusion.damaged
        ),
    )


def _changed(conclusion: Conclusion, changed_files: str, files: RunFiles) -> str:
    """The message if the rows to write are not the judged ones."""
    said = [f"{split.value}: {why}" for split, why in conclusion.changed.items()]
    if changed_files:
        said.append(changed_files)
    said.append(
        f"Nothing is published, because a dataset must match the judged rows. Answers are kept in {files.ledger_dir}. Undo the change, or "
        "keep it, and run the same command again: only rows without an answer there are sent"
    )
    return ". ".join(said)


def exit_code_of(verdict: Verdict) -> tuple[ExitCode, str]:
    """The exit code of a verdict, and why."""
    refused = [part for part in verdict.splits if not part.published]
    if verdict.stopped is not None:
        return FOR_STOP[verdict.stopped.cause], verdict.stopped.detail
    if refused:
        empty = [part for part in verdict.splits if part.ratio is None]
        code = ExitCode.WRONG_INPUT if len(empty) == len(verdict.splits) else ExitCode.BELOW_MINIMUM
        return code, "; ".join(f"{part.split.value}: {part.explanation}" for part in refused)
    return ExitCode.PUBLISHED, "every dataset is published"
