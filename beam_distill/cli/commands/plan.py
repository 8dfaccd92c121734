"""``beam-distill plan``: what a run would do, and where each setting came from. Contacts no endpoint; loads Beam only to read rows."""

from __future__ import annotations

import argparse
import glob
import os

from beam_distill.cli.command import Call, Command, Takes
from beam_distill.cli.job_inputs import declare_inputs
from beam_distill.cli.plan_text import plan_text
from beam_distill.cli.storage_accounts import use_storage_accounts
from beam_distill.config.settings import DistillSettings
from beam_distill.exit_codes import RunRefused
from beam_distill.job.prices import prices_of
from transforms.elements.counted import counted
from transforms.files.paths import is_remote


def declare(parser: argparse.ArgumentParser, show_all: bool) -> None:
    """Declare the flags."""
    parser.add_argument_group("plan").add_argument("--defaults", action="store_true", help="also list the inputs that were not given")
    declare_inputs(parser, show_all)


def run(call: Call) -> int:
    """Print the plan, the given settings with their sources, and on request the defaults of all other inputs."""
    use_storage_accounts(call)
    resolved, defaults = call.resolved, call.namespace.defaults
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
    """The numbers of rows to send and of rows that the ledger answers."""
    for pattern in (settings.train_file_path, settings.validation_file_path):
        if pattern is not None and not is_remote(pattern) and not os.path.lexists(pattern) and not glob.glob(pattern):
            return [f"rows        not counted: no file matches {pattern}"]
    # late: keeps aiohttp and fastavro out of the start
    from beam_distill.before_run.estimate import experience_on_ledger
    from beam_distill.before_run.judge_estimate import judge_estimate_line
    from beam_distill.before_run.limits_left import limits_and_warnings
    from beam_distill.before_run.preflight import check_files
    from beam_distill.before_run.rows_to_send import endpoint_by_record, rows_to_send
    from beam_distill.before_run.survey import answered_text
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
        lines.append(f"rows        {survey.split}: {survey.to_teacher:,} to send, {answered_text([survey])}{bad}")
        sentences = survey.changed.sentences(settings.effective_max_new_tokens, prices_of(settings))
        lines += [f"            {sentence}" for sentence in sentences]
    judge = judge_estimate_line(settings, surveys)
    if judge is not None:
        lines.append(judge)
    if has_limits(settings):
        model = endpoint.model if endpoint is not None else settings.model
        seen = experience_on_ledger(f"{settings.resolved_work_dir}/ledger", model)
        said, warnings = limits_and_warnings(settings, surveys, seen)
        lines += [f"limit       {line}" for line in said] + [f"warning     {warning}" for warning in warnings]
    return lines + ([f"            {doubt}"] if doubt else [])


def _shown(value: object) -> str:
    return "-" if value is None else str(value)


COMMAND = Command("plan", "show what a run would do, and where each setting came from", Takes.SETTINGS, declare, run, lists_help=False)
