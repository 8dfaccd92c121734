"""``beam-distill retry``: runs the job of a work_dir again, and sends chosen rejects again."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from beam_distill.before_run.changed_settings import LIMIT
from beam_distill.before_run.request_settings import changed_requests
from beam_distill.cli.command import WORK_DIR, Call, Command, Takes
from beam_distill.cli.do_job import do_job
from beam_distill.cli.earlier_run import earlier_settings, on_top_of_earlier, record_of
from beam_distill.cli.reason_flag import chosen_reasons, reason_problem
from beam_distill.config.errors import SettingsError
from beam_distill.config.flags import SettingsHelp, add_setting_flags
from beam_distill.config.secrets import holds_mask
from beam_distill.config.sources import ENVIRONMENT_PREFIX, ResolvedSettings
from beam_distill.work_dir.files import objects_of
from transforms.elements import reasons
from transforms.elements.counted import counted
from transforms.elements.reasons import ANSWER_REASONS
from transforms.files.paths import is_remote

_NEVER_A_QUESTION = "could not be sent to the teacher; fix the input and use beam-distill run"


def declare(parser: argparse.ArgumentParser, show_all: bool) -> None:
    """Declare the flags."""
    parser.description = (
        f"{parser.description} The new answer replaces the old one, which stays on the ledger. As in every rerun, rows without an answer are "
        "sent too. Settings are those of the earlier run; flags, environment and --config override them."
    )
    parser.usage = "beam-distill retry WORK_DIR --reason CODE ... [inputs] [Beam options]"
    unusable = (code for code in ANSWER_REASONS if code not in reasons.CHECK_REASONS)
    parser.epilog = f"reasons of answers: {', '.join(unusable)}, and those of the checks, which docs/quality.md lists"
    parser.formatter_class = SettingsHelp
    parser.add_argument(WORK_DIR, metavar="WORK_DIR", help="the work_dir of the earlier run, here or on storage (azfs://, ...)")
    parser.add_argument(
        "--reason", nargs="+", action="extend", required=True, metavar="CODE", help="reasons, as in rejects.jsonl; those of answers are below"
    )
    add_setting_flags(parser, show_all=show_all, without=frozenset({"work_dir"}), required=False)


def settings_of_earlier_run(call: Call) -> ResolvedSettings:
    """The earlier run's settings with the current ones on top. Raises SettingsError."""
    chosen = chosen_reasons(call.namespace.reason)
    problems = [problem for code in chosen if (problem := reason_problem(code, _NEVER_A_QUESTION, reasons.NEVER_ASKED))]
    record = record_of(call.work_dir)
    earlier, missing = earlier_settings(record, call.environ)
    for name, problem in missing.items():
        if name not in call.inputs and f"{ENVIRONMENT_PREFIX}{name.upper()}" not in call.environ and call.config is None:
            problems.append(problem)
    if problems:
        raise SettingsError(problems)
    resolved = on_top_of_earlier(call, record, earlier)
    changed = [name for name in changed_requests(record.get("settings") or {}, resolved.settings) if name != LIMIT]
    if changed:
        raise SettingsError(
            [
                f"{name}: differs from the earlier run, which changes the request of every row, so all of them would be paid for again; "
                "leave it out here, or use beam-distill run"
                for name in changed
            ]
        )
    masked = [name for name, value in ((record["settings"].get("beam_options") or {}).items()) if holds_mask(value)]
    if masked and call.config is None:
        said = f"beam_options: {', '.join(masked)} is secret and not in run.json; where it is needed, give it again with --config or as a flag"
        resolved = replace(resolved, warnings=[*resolved.warnings, said])
    return resolved


def run(call: Call) -> int:
    """Do the job again. Raises RunRefused."""
    resolved, chosen = call.resolved, chosen_reasons(call.namespace.reason)
    if not resolved.settings.quiet:
        print(f"asked again: rows rejected for {', '.join(chosen)}", file=sys.stderr)
    rejects = f"{resolved.settings.resolved_work_dir.rstrip('/')}/rejects.jsonl"
    folder = str(record_of(resolved.settings.resolved_work_dir).get("working_directory") or ".")  # of the run with these rejects
    before = {_place(reject, folder) for reject in objects_of(rejects) if reject.get("reason") in chosen}
    code = do_job(resolved, call.leftovers, chosen)
    if not resolved.settings.detach:
        print(retried_line(before, objects_of(rejects)))
    return code


def retried_line(before: set[tuple[Any, ...]], rejects: Iterable[Mapping[str, Any]]) -> str:
    """The new results of the rows that were rejected ``before`` (split, absolute file, line), from the current rejects."""
    still = Counter(str(reject.get("reason")) for reject in rejects if _place(reject, os.getcwd()) in before)
    reasons_now = ", ".join(f"{count:,} {reason}" for reason, count in still.most_common())
    now = f"{counted(len(before) - still.total(), 'example')}, {counted(still.total(), 'reject')}" + (f" ({reasons_now})" if still else "")
    return f"retried     {counted(len(before), 'row')} rejected before: now {now}"


def _place(reject: Mapping[str, Any], folder: str) -> tuple[Any, ...]:
    file = str(reject.get("file"))
    return reject.get("split"), file if is_remote(file) else os.path.normpath(os.path.join(folder, file)), reject.get("line")


COMMAND = Command(
    "retry",
    "run the job of a work_dir again, and send rows that were rejected for chosen reasons again",
    Takes.SETTINGS,
    declare,
    run,
    resolve=settings_of_earlier_run,
)
