"""The result of a run and its summary: for the command, for programs that call ``distill()``, and for notebooks."""

from __future__ import annotations

import html
import os
import shlex
from dataclasses import dataclass, field
from typing import Any

from beam_distill.after_run.endpoints_used import endpoints_line
from beam_distill.after_run.how_right import sample_lines
from beam_distill.after_run.judge_line import judge_line, tokens_text
from beam_distill.after_run.request_failures import CommonFailure
from beam_distill.after_run.token_speed import token_speed_line
from beam_distill.exit_codes import ExitCode
from beam_distill.job.prices import Prices
from transforms.elements.counted import counted, duration
from transforms.elements.reasons import ANSWER_REASONS, CUT_OFF_BY_LENGTH, FUNCTION_FAILED, JUDGE_FAILED, NO_LABEL, NO_VERDICT, explanation
from transforms.elements.tally import SplitVerdict, Verdict
from transforms.elements.usage import sum_of
from transforms.files.paths import is_remote

_WHEN_REPAIRED = "Run the same command again when that is fixed: it continues where this run stopped."
_NEXT_STEP = {
    ExitCode.BELOW_MINIMUM: "Check the reasons in the rejects, fix the cause and run the same command again: only rows without an "
    "answer are sent and paid for.",
    ExitCode.ENDPOINT_STOPPED: _WHEN_REPAIRED,
    ExitCode.STORAGE_FAILED: _WHEN_REPAIRED,
    ExitCode.INTERRUPTED: "Run the same command again to continue where this run stopped.",
    ExitCode.BUDGET_SPENT: "Run the same command with a higher limit to continue where this run stopped. --send false publishes the current "
    "examples without sending anything, if they meet min_endpoint_success_ratio.",
}

_NOT_THE_TEACHERS = (NO_LABEL, FUNCTION_FAILED, NO_VERDICT, JUDGE_FAILED)
"""Reasons that another answer of the teacher does not change."""


def preference_of(split: str) -> str:
    """The name of a split's pairs among the datasets of a result."""
    return f"{split} pairs"


@dataclass(frozen=True, repr=False)
class RunResult:
    """The result of a run. ``datasets`` and the other paths are set if the file exists; ``handoff_holds`` names the files for the training.
    A split's pairs are among the datasets as ``train pairs``.

    ``repeated`` counts answers on the ledger that this run paid for more than once. ``open_when_lost``: requests that ``processes_lost``
    scoring processes had on the wire or not yet recorded in their last report, up to a second (five on object storage) before they were
    lost, including those of earlier runs without an end. Any of these that the teacher answered were paid for and are not on the ledger.
    ``warnings`` are about valid but probably unintended settings. ``label_agreement`` says how many answers agree with their rows' labels,
    if rows have labels and the report was made. ``failures`` are the most frequent failures of requests. ``limits`` has the spent part of
    each limit over all runs. ``first_reject`` describes the first reject, if no row of its split could be sent.
    """

    exit_code: ExitCode
    message: str
    run_id: str
    work_dir: str
    verdict: Verdict | None = None
    datasets: dict[str, str] = field(default_factory=dict)
    rejects_path: str | None = None
    run_json_path: str | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    wall_s: float = 0.0
    prices: Prices | None = None
    judge_prices: Prices | None = None
    report_path: str | None = None
    handoff_path: str | None = None
    handoff_holds: str = ""
    repeated: int = 0
    open_when_lost: int = 0
    processes_lost: int = 0
    warnings: tuple[str, ...] = ()
    label_agreement: str = ""
    limits: tuple[str, ...] = ()
    failures: tuple[CommonFailure, ...] = ()
    first_reject: str = ""

    @property
    def ok(self) -> bool:
        """Whether every requested dataset is published."""
        return self.exit_code is ExitCode.PUBLISHED

    def __repr__(self) -> str:
        """One line: the outcome, and every split's examples and their path."""
        parts = [self.message, *map(self._of_split, _parts(self))]
        return f"<RunResult {self.exit_code.name}: {'; '.join(parts)}; work_dir {self.work_dir}>"

    def __str__(self) -> str:
        """The command's summary."""
        return summary_text(self).strip()

    def _repr_html_(self) -> str:
        """The command's summary, in a notebook."""
        return f'<pre style="white-space:pre-wrap">{html.escape(str(self))}</pre>'

    def _of_split(self, part: SplitVerdict) -> str:
        where = self.datasets.get(part.split.value)
        return f"{part.split.value} {counted(part.tally.examples, 'example')} " + (f"in {where}" if where is not None else "not published")


def summary_text(result: RunResult) -> str:
    """The results per split and in total, and the paths of the files."""
    lines = [line for part in _parts(result) for line in _split_lines(part, result.prices)]
    lines = ["", *lines, *_request_lines(result), *_loss_lines(result), *_file_lines(result)]
    lines += [f"warning     {warning}" for warning in result.warnings]
    if result.exit_code is not ExitCode.PUBLISHED:
        lines += _failure_lines(result)
    return "\n".join(lines)


def _parts(result: RunResult) -> tuple[SplitVerdict, ...]:
    return result.verdict.splits if result.verdict is not None else ()


def _split_lines(part: SplitVerdict, prices: Prices | None) -> list[str]:
    tally = part.tally
    came_to = f"{counted(tally.examples, 'example')} + {counted(tally.rejects, 'reject')}"
    lines = [f"{part.split.value}: {counted(tally.rows, 'row')} in = {came_to}"]
    for reason, count in sorted(tally.reasons.items(), key=lambda item: (-item[1], item[0])):
        lines.append(f"    {count:>7,} {reason}")
    if tally.repeats:
        number, _, what = counted(tally.repeats, "exact repeat of an earlier row", "exact repeats of earlier rows").partition(" ")
        lines.append(f"    {number:>7} {what}")
    ratio = "-" if part.ratio is None else f"{part.ratio:.1%}"
    state = "published" if part.published else "NOT published"
    asked = "asked or still to ask" if tally.not_sent else "asked"
    of = "" if part.ratio is None else f" of the {counted(tally.asked, 'row')} {asked}"
    lines.append(f"    success ratio {ratio}{of} (minimum {part.minimum:.1%}): {state}")
    if tally.not_needed:
        lines.append(f"    enough        until_accepted is reached: {counted(tally.not_needed, 'row')} not asked, or not to the end")
    if tally.refused or part.minimum_accepted:
        accepted = "-" if tally.accepted_ratio is None else f"{tally.accepted_ratio:.1%}"
        lines.append(f"    accepted      {accepted}{of} (minimum {part.minimum_accepted:.1%}): checks refused {counted(tally.refused, 'row')}")
    if tally.samples is not None and tally.samples.samples:
        each = "" if prices is None or not tally.examples else prices.amount(prices.cost(tally.usage) / tally.examples)
        lines += [f"    {line}" for line in sample_lines(tally.samples, tally.examples, each)]
    if tally.pairs is not None:
        lines.append(f"    pairs         {counted(tally.pairs, 'row')} with an accepted and a refused answer")
    if tally.without_logprobs:
        lacking = f"{tally.without_logprobs:,} of {counted(tally.examples, 'row')} with an example"
        why = "the teacher sent none, or which tokens are the answer is not certain"
        lines.append(f"    logprobs      null for an answer of {lacking}: {why}")
    return lines


def _request_lines(result: RunResult) -> list[str]:
    """What was sent, over all splits, and its cost and time."""
    tallies = [part.tally for part in _parts(result)]
    requests, usage = sum(tally.requests_sent for tally in tallies), sum_of(tally.usage for tally in tallies)
    lines = [f"failed      {failure.sentence}" for failure in result.failures]
    retried, throttled = result.metrics.get("requests_retried", 0), result.metrics.get("requests_throttled", 0)
    again = f" ({counted(retried, 'retry', 'retries')}, {throttled:,} throttled)" if retried else ""
    if not result.metrics and requests:
        again = " (this runner does not report how many were retries)"
    if result.verdict is not None:  # without a verdict the counts are lost
        reused = counted(sum(tally.reused_answers for tally in tallies), "answer")
        lines += [f"requests    {requests:,}{again}; {reused} taken from the ledger", f"tokens      {tokens_text(usage)}"]
    streamed = token_speed_line(result.metrics)
    if streamed:
        lines.append(f"streamed    {streamed}")
    if result.verdict is not None and result.prices is not None:
        lines.append(f"cost        {result.prices.shown(result.prices.cost(usage))}")
    judge = judge_line(tallies, result.judge_prices)
    if judge:
        lines.append(f"judge       {judge}")
    endpoints = endpoints_line(result.metrics)
    if endpoints:
        lines.append(f"endpoints   {endpoints}")
    if result.exit_code is not ExitCode.BUDGET_SPENT:  # its message has the limits
        lines += [f"limit       {limit}, over all runs" for limit in result.limits]
    return [*lines, f"time        {duration(result.wall_s)}"]


def _loss_lines(result: RunResult) -> list[str]:
    """What was paid for twice, or for nothing."""
    lines = []
    if result.repeated:
        twice = counted(result.repeated, "answer")
        lines.append(f"repeated    {twice} twice on the ledger: a part of the job ran twice, and both were paid for")
    if result.open_when_lost:
        lost = counted(result.processes_lost, "scoring process", "scoring processes")
        lines.append(
            f"lost        {lost}, in this run or since the last run that ended; in their last reports "
            f"they had {counted(result.open_when_lost, 'request')} open. Any of these that the teacher answered were billed and lost"
        )
    return lines


def _file_lines(result: RunResult) -> list[str]:
    lines = [f"labels      {result.label_agreement}"] if result.label_agreement else []
    lines += [f"{split:<11} {shown_path(path)}" for split, path in result.datasets.items()]
    if result.handoff_path is not None:
        lines.append(f"training    {shown_path(result.handoff_path)} ({result.handoff_holds})")
    if result.rejects_path is not None:
        lines.append(f"rejects     {shown_path(result.rejects_path)}")
    if result.report_path is not None:
        lines.append(f"report      {shown_path(result.report_path)}")
    return [*lines, f"work_dir    {shown_path(result.work_dir)}"]


def _failure_lines(result: RunResult) -> list[str]:
    """Why a dataset is not published, and what to do."""
    lines = ["", f"{_outcome(result.exit_code)} (exit code {int(result.exit_code)}): {result.message}"]
    if result.exit_code in _NEXT_STEP:
        lines.append(_NEXT_STEP[result.exit_code])
    held_back = [part for part in _parts(result) if not part.published]
    unusable = [
        reason for reason in ANSWER_REASONS if any(reason in part.tally.reasons for part in held_back) and reason not in _NOT_THE_TEACHERS
    ]
    if result.exit_code is ExitCode.BELOW_MINIMUM and CUT_OFF_BY_LENGTH in unusable:
        unusable.remove(CUT_OFF_BY_LENGTH)  # the same limit would cut them off again
        lines.append("Rows that reached the token limit, and only those, are sent again with a higher --teacher_model_max_new_tokens.")
    if result.exit_code is ExitCode.BELOW_MINIMUM and unusable:
        asked = f"beam-distill retry {shlex.quote(shown_path(result.work_dir))} --reason {' '.join(unusable)}"
        lines.append(f"To send, and pay for, rows with an unusable answer again: {asked}")
    missed = dict.fromkeys(name for part in held_back if part.tally.examples for name in part.missed)
    if result.exit_code is ExitCode.BELOW_MINIMUM and missed:
        lines.append(f"A lower --{' and --'.join(missed)} with --send false publishes the current examples without sending anything.")
    lines += [_cause(part) for part in held_back if part.ratio is None and part.tally.reasons]
    if result.first_reject:
        lines.append(f"The first one: {result.first_reject}")
    return lines


def _outcome(code: ExitCode) -> str:
    """The headline of a failed run: a run that was judged is finished."""
    return "NOT PUBLISHED" if code in (ExitCode.BELOW_MINIMUM, ExitCode.WRONG_INPUT) else "NOT FINISHED"


def shown_path(path: str) -> str:
    """A path for display: relative if it is below the working directory, else absolute."""
    if is_remote(path):
        return path
    try:
        relative = os.path.relpath(path)
    except FileNotFoundError:  # the working directory was removed
        return path
    return os.path.abspath(path) if relative.startswith("..") else relative


def _cause(part: SplitVerdict) -> str:
    """Advice if none of the rows could be sent."""
    reason = max(part.tally.reasons, key=lambda name: (part.tally.reasons[name], name))
    return f"{part.split.value}, {reason}: {explanation(reason)}"
