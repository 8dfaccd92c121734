"""``beam-distill check``: finds all errors and estimates the job, before paying."""

from __future__ import annotations

import argparse
import json
from typing import IO, TYPE_CHECKING

from beam_distill.before_run.doubles_found import leaks_text, saved_by_doubles, saved_by_leaks
from beam_distill.before_run.input_warnings import input_warnings
from beam_distill.cli.check_endpoint import check_judge, check_teacher
from beam_distill.cli.command import Call, Command, Takes
from beam_distill.cli.job_inputs import declare_inputs
from beam_distill.cli.storage_accounts import use_storage_accounts
from beam_distill.config.settings import DistillSettings
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.job.prices import prices_of
from transforms.elements.counted import counted
from transforms.elements.reasons import LEFT_OUT, UNREADABLE_FILE
from transforms.elements.rows import PromptRequest, RejectedRow
from transforms.files.paths import is_remote, scheme_of
from transforms.files.stored import files_for
from transforms.intake.formats.registry import place_in
from transforms.teacher.specs import EndpointSpec

if TYPE_CHECKING:
    from beam_distill.before_run.estimate import Experience
    from beam_distill.before_run.survey import SplitSurvey
    from beam_distill.before_run.teacher_pool import Teacher

MOST_BAD_LINES = 20


def declare(parser: argparse.ArgumentParser, show_all: bool) -> None:
    """Declare the flags."""
    group = parser.add_argument_group("check")
    group.add_argument("--strict", action="store_true", help="exit code 2 for warnings and bad lines too")
    group.add_argument("--pilot", type=_count, metavar="N", help="send the first N rows and estimate from their answers, which the job reuses")
    declare_inputs(parser, show_all)


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rows; give 1 or more")
    return int(text)


def run(call: Call) -> int:
    """Check files, rows, credential and endpoint, and estimate; print the results. Raises RunRefused if a run could not start.

    An endpoint that refuses or does not answer, and rows that cannot be sent, are reported last: an estimate is still possible.
    """
    # late: keeps aiohttp out of the start
    from beam_distill.before_run.preflight import check_files

    use_storage_accounts(call)
    settings, pilot = call.resolved.settings, call.namespace.pilot
    check_files(settings)
    outputs = (*settings.outputs.values(), settings.resolved_work_dir)
    far = sorted({scheme_of(path) + "://" for path in outputs if is_remote(path)})
    print("files       all found, " + (f"outputs on {', '.join(far)} were not tested" if far else "all outputs writable"))
    rows = _Rows(settings)
    warnings = rows.check()
    for warning in warnings:
        print(f"warning     {warning}")
    try:
        code, teacher, unready = check_teacher(settings, rows.sample)
        if not code:
            code, unready_judge = check_judge(settings, rows.sample)
            unready += unready_judge
    except RunRefused as refused:
        if rows.sample is not None:
            _estimate_unasked(settings)
        raise RunRefused(refused.code, "\n".join([str(refused), *rows.problems])) from None
    if rows.sample is not None and code:
        _estimate_unasked(settings)
    elif rows.sample is not None:
        if pilot is not None and not rows.problems:
            found, is_ready = _pilot(settings, teacher, pilot)
            warnings += found
            unready = [] if is_ready else unready
        warnings += _estimate(settings, teacher.endpoint)
    if rows.problems:
        raise RunRefused(ExitCode.WRONG_INPUT, "\n".join(rows.problems))
    if code:
        return code
    warnings += unready
    if call.namespace.strict and (warnings or rows.bad):
        print(
            f"ready       no: {counted(len(warnings), 'warning')} above and {counted(rows.bad, 'row')} that cannot be sent: "
            f"exit code {int(ExitCode.WRONG_INPUT)}"
        )
        return int(ExitCode.WRONG_INPUT)
    if unready:
        print(f"ready       not shown: {' and '.join(unready)} cannot serve now, see above; check again when it does, or let a run wait for it")
        return int(ExitCode.PUBLISHED)
    remarks = [counted(len(warnings), "warning")] * bool(warnings) + [counted(rows.bad, "reject")] * bool(rows.bad)
    print("ready       beam-distill run with the same inputs does the job" + (f"; see {' and '.join(remarks)} above" if remarks else ""))
    return int(ExitCode.PUBLISHED)


class _Rows:
    """The rows of all splits, read once, with a message for every bad line."""

    def __init__(self, settings: DistillSettings) -> None:
        self._settings = settings
        self.sample: PromptRequest | None = None
        self.bad = 0
        self._listed = 0
        self.problems: list[str] = []
        """Reasons why a run would not publish a dataset, regardless of the answers."""
        self._list: IO[str] | None = None
        self._list_path = f"{settings.resolved_work_dir.rstrip('/')}/bad_lines.jsonl"
        self._first: list[RejectedRow] = []

    def check(self) -> list[str]:
        """Print the contents of each split. Returns warnings. Raises RunRefused when an earlier list cannot be replaced."""
        # late: keeps aiohttp and NumPy out of the start
        from beam_distill.before_run.rows_to_send import walk_rows

        settings = self._settings
        warnings: list[str] = []
        surveys: list[SplitSurvey] = []
        self._forget_earlier_list()
        try:
            for pattern, survey in walk_rows(settings, self._on_row):
                left_out = sum(survey.left_out.values())
                parts = f"{survey.to_ask:,} to ask + {f'{left_out:,} left out + ' * bool(left_out)}{counted(survey.bad, 'reject')}"
                print(f"{survey.split:<11} {counted(survey.rows, 'row')} in = {parts}")
                if left_out:
                    print(f"left out    {survey.split}: {', '.join(f'{count:,} {reason}' for reason, count in survey.left_out.items())}")
                surveys.append(survey)
                doubles = saved_by_doubles(survey.asked).rows
                if doubles:
                    repeats = counted(doubles, "exact repeat of an earlier row", "exact repeats of earlier rows")
                    print(f"repeats     {survey.split}: {repeats}; {_of_repeats(settings)}")
                if not survey.to_ask:
                    self.problems.append(_nothing_to_send(survey.split, pattern, survey.rows))
                    continue
                warnings += input_warnings(
                    survey.split,
                    survey.rows,
                    survey.readable,
                    survey.to_ask,
                    settings.data_generation_task_type,
                    settings.limit is not None,
                    settings.min_readable_ratio,
                )
                if survey.readable < settings.min_readable_ratio * survey.rows:
                    self.problems.append(
                        f"{survey.split}: only {survey.readable:,} of the {counted(survey.rows, 'row')} of {pattern} can be read and sent, "
                        f"below min_readable_ratio ({settings.min_readable_ratio:.1%}); run would pay for them and publish nothing. "
                        "Fix the input, or lower min_readable_ratio"
                    )
        finally:
            if self._list is not None:
                self._list.close()
        if self._list is not None:
            print(f"rejects     all {self._listed:,} are listed in {self._list_path}")
        leaks = saved_by_leaks(surveys[0].asked, surveys[1].asked).rows if len(surveys) == 2 else 0
        if leaks:
            warnings.append(leaks_text(leaks))
        return warnings

    def _on_row(self, row: PromptRequest | RejectedRow) -> None:
        if isinstance(row, PromptRequest):
            self.sample = self.sample or row
            return
        self._listed += 1
        self.bad += row.reason not in LEFT_OUT
        place = place_in(row.origin.file, row.origin.line, self._settings.input_format)
        if row.reason == UNREADABLE_FILE:
            split = row.origin.split.value
            self.problems.append(
                f"{split}: {row.origin.file} cannot be read from {place} on ({row.detail}); run would pay for the rows before and end without a "
                f"{split} dataset. Fetch the file again"
            )
        if self._listed <= MOST_BAD_LINES:
            print(f"  {row.origin.file}, {place}: {row.reason}: {row.detail}")
            self._first.append(row)
            return
        if self._list is None:
            self._list = self._open_list()
            for earlier in self._first:
                self._note(earlier)
        self._note(row)

    def _forget_earlier_list(self) -> None:
        try:
            files_for(self._list_path).remove(self._list_path)
        except Exception as error:  # noqa: BLE001 - every filesystem has errors of its own
            why = getattr(error, "strerror", None) or error
            raise RunRefused(
                ExitCode.STORAGE_FAILED,
                f"work_dir: {self._list_path}, the list of an earlier check, cannot be removed: {why}. Remove it, or give another work_dir",
            ) from None

    def _open_list(self) -> IO[str]:
        print(f"  ... more are listed in {self._list_path}")
        return files_for(self._list_path).create(self._list_path)

    def _note(self, row: RejectedRow) -> None:
        assert self._list is not None
        fields = {"split": row.origin.split.value, "file": row.origin.file, "line": row.origin.line, "reason": row.reason, "detail": row.detail}
        self._list.write(json.dumps(fields, ensure_ascii=False) + "\n")


def _of_repeats(settings: DistillSettings) -> str:
    if settings.share_identical_answers:
        return "they share one answer (share_identical_answers)"
    return "each is sent and paid for. drop_doubles exact leaves them out"


def _nothing_to_send(split: str, pattern: str, rows: int) -> str:
    """The same message as a run that is refused after reading its rows."""
    if not rows:
        return f"{split}: {pattern} holds no rows; run would end without a {split} dataset"
    return (
        f"{split}: {pattern} has {counted(rows, 'row')}, and none can be sent: run would end without a {split} dataset. See the "
        "errors above; --input_format sets the file's format, --messages_column the column of the chats, --user_template a prompt from "
        "other rows"
    )


def _pilot(settings: DistillSettings, teacher: Teacher, count: int) -> tuple[list[str], bool]:
    """Send the first rows and print the result. Returns the warnings, and whether the answers show that the endpoints are ready."""
    # late: keeps aiohttp out of the start
    from beam_distill.before_run.pilot import send_pilot

    result = send_pilot(settings, teacher, count)
    reasons = "".join(f", {number} {reason}" for reason, number in sorted(result.reasons.items()))
    before = f"; {result.answered_before} of the first {count} were answered on the ledger before" if result.answered_before else ""
    sent = f"{counted(result.sent, 'row')} sent: {counted(result.examples, 'example')}"
    print(f"pilot       {sent}{reasons}{before}. The job reuses these answers.")
    warnings = []
    if result.stopped is not None:
        warnings.append(result.stopped)
    elif result.sent and result.usable / result.sent < settings.min_endpoint_success_ratio:
        gave = "a usable answer" if result.refused else "an example"
        warnings.append(
            f"{result.usable:,} of the pilot's {counted(result.sent, 'row')} gave {gave}, below min_endpoint_success_ratio "
            f"({settings.min_endpoint_success_ratio:.0%})"
        )
    elif result.sent and (result.examples / result.sent < settings.min_accepted_ratio or not result.examples):
        warnings.append(
            f"{result.examples:,} of the pilot's {counted(result.sent, 'row')} gave an example, below min_accepted_ratio "
            f"({settings.min_accepted_ratio:.0%}): checks refused {counted(result.refused, 'usable answer')}"
        )
    for warning in warnings:
        print(f"warning     {warning}")
    return warnings, result.stopped is None and result.usable > 0


def _estimate_unasked(settings: DistillSettings) -> None:
    """The estimate when the endpoint does not list its models."""
    # late: keeps aiohttp out of the start
    from beam_distill.before_run.rows_to_send import endpoint_by_record

    try:
        endpoint, doubt = endpoint_by_record(settings)
    except RunRefused:  # the endpoint's own check has reported it
        endpoint, doubt = None, None
    _estimate(settings, endpoint or EndpointSpec("", model=settings.model))
    if doubt is not None:
        print(f"            {doubt}")


def _estimate(settings: DistillSettings, endpoint: EndpointSpec) -> list[str]:
    """Print the number of rows to send and the estimate. Returns warnings about lower limits."""
    # late: keeps aiohttp and NumPy out of the start
    from beam_distill.before_run.estimate import estimate_lines, experience_on_ledger
    from beam_distill.before_run.judge_estimate import judge_estimate_line
    from beam_distill.before_run.limits_left import limits_and_warnings
    from beam_distill.before_run.rows_to_send import rows_to_send
    from beam_distill.before_run.survey import answered_text
    from beam_distill.job.specs import run_files

    surveys = rows_to_send(settings, endpoint)
    on_ledger = f", {answered_text(surveys)}" if any(survey.answered or survey.unjudged for survey in surveys) else ""
    print(f"to send     {counted(sum(survey.to_teacher for survey in surveys), 'row')}{on_ledger}")
    for survey in surveys:
        for sentence in survey.changed.sentences(settings.effective_max_new_tokens, prices_of(settings)):
            print(f"changed     {survey.split}: {sentence}")
    usage = experience_on_ledger(run_files(settings.resolved_work_dir, "").ledger_dir, endpoint.model)
    at_a_time = settings.instance_count * settings.max_concurrency_per_instance * settings.max_worker_count * len(settings.teachers or (1,))
    requests, payload_bytes = sum(survey.requests for survey in surveys), sum(survey.payload_bytes for survey in surveys)
    for line in estimate_lines(requests, payload_bytes, settings.effective_max_new_tokens, at_a_time, usage, prices_of(settings)):
        print(line)
    judge = judge_estimate_line(settings, surveys)
    if judge is not None:
        print(judge)
    for line in _savings(settings, surveys, usage):
        print(line)
    said, warnings = limits_and_warnings(settings, surveys, usage)
    for line in said:
        print(f"limit       {line}")
    for warning in warnings:
        print(f"warning     {warning}")
    return warnings


def _savings(settings: DistillSettings, surveys: list[SplitSurvey], usage: Experience) -> list[str]:
    # late: keeps aiohttp and NumPy out of the start
    from beam_distill.before_run.estimate import saving_line

    found = {}
    if settings.drop_doubles == "off" and not settings.share_identical_answers:
        for survey in surveys:
            found[f"drop_doubles exact ({survey.split})"] = saved_by_doubles(survey.asked)
    if not settings.drop_leaks and len(surveys) == 2:
        found["drop_leaks"] = saved_by_leaks(surveys[0].asked, surveys[1].asked)
    prices = prices_of(settings)
    lines = (saving_line(switch, saving, settings.effective_max_new_tokens, usage, prices) for switch, saving in found.items())
    return [line for line in lines if line is not None]


COMMAND = Command("check", "find all errors, before paying", Takes.SETTINGS, declare, run, lists_help=False)
