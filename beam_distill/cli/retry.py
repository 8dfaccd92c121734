"""``beam-distill retry``: the job of a work_dir once more, with chosen rejects sent again."""

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
from beam_distill.cli.reason_flag import chosen_reasons, reason_problem
from beam_distill.config.azureml_job import KEY_VARIABLE
from beam_distill.config.errors import SettingsError
from beam_distill.config.flags import SettingsHelp, add_setting_flags
from beam_distill.config.secrets import holds_mask
from beam_distill.config.settings import PATHS, DistillSettings
from beam_distill.config.sources import ResolvedSettings, resolve
from beam_distill.work_dir.files import fields_of, objects_of
from transforms.elements import reasons
from transforms.elements.counted import counted
from transforms.elements.reasons import ANSWER_REASONS
from transforms.files.paths import is_remote

_TEXT = "run the job of a work_dir again, and send rows that were rejected for chosen reasons once more"
OWN_ARGUMENTS = frozenset({"work_dir", "reason"})
_NEVER_A_QUESTION = "were never a question to the teacher; fix the input and use beam-distill run"


def add_command(commands: Any, show_all: bool) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser(
        "retry",
        help=_TEXT,
        description=f"{_TEXT[0].upper()}{_TEXT[1:]}. The new answer replaces the old one, which stays on the ledger. As in every rerun, rows "
        "without an answer are sent too. Inputs are those of the earlier run; flags, environment and --config win over them.",
        usage="beam-distill retry WORK_DIR --reason CODE ... [inputs] [Beam options]",
        epilog="reasons of answers: " + ", ".join(ANSWER_REASONS),
        formatter_class=SettingsHelp,
        allow_abbrev=False,
    )
    parser.add_argument("work_dir", metavar="WORK_DIR", help="the work_dir of the earlier run, here or on storage (azfs://, ...)")
    parser.add_argument(
        "--reason", nargs="+", action="extend", required=True, metavar="CODE", help="reasons, as in rejects.jsonl; those of answers are below"
    )
    add_setting_flags(parser, show_all=show_all, without=frozenset({"work_dir"}), required=False)


def resolve_retry(namespace: argparse.Namespace, environ: Mapping[str, str]) -> tuple[ResolvedSettings, tuple[str, ...]]:
    """The earlier run's settings with what is given now on top, and the reasons. Raises SettingsError."""
    chosen = chosen_reasons(namespace.reason)
    problems = [problem for code in chosen if (problem := reason_problem(code, _NEVER_A_QUESTION, reasons.NEVER_ASKED))]
    record = record_of(namespace.work_dir)
    flags = {name: value for name, value in vars(namespace).items() if name not in OWN_ARGUMENTS | {"command", "config"}}
    flags["work_dir"] = namespace.work_dir
    earlier, missing = earlier_settings(record, environ)
    config = getattr(namespace, "config", None)
    given = {**{name.upper(): None for name in flags}, **environ}
    for name, problem in missing.items():
        if name not in flags and f"BEAM_DISTILL_{name.upper()}" not in given and config is None:
            problems.append(problem)
    if problems:
        raise SettingsError(problems)
    resolved = resolve(flags, config, environ, earlier=(f"earlier run {record.get('run_id', '')}", earlier))
    changed = [name for name in changed_requests(record.get("settings") or {}, resolved.settings) if name != LIMIT]
    if changed:
        raise SettingsError(
            [
                f"{name}: differs from the earlier run, which makes another request of every row, so that all of them would be paid for again; "
                "leave it out here, or use beam-distill run"
                for name in changed
            ]
        )
    masked = [name for name, value in ((record["settings"].get("beam_options") or {}).items()) if holds_mask(value)]
    if masked and config is None:
        said = f"beam_options: {', '.join(masked)} is secret and not in run.json; where it is needed, give it again with --config or as a flag"
        resolved = replace(resolved, warnings=[*resolved.warnings, said])
    return resolved, chosen


def run(resolved: ResolvedSettings, beam_argv: list[str], chosen: tuple[str, ...]) -> int:
    """Do the job again."""
    from beam_distill.cli import run as job

    if not resolved.settings.quiet:
        print(f"asked again: rows rejected for {', '.join(chosen)}", file=sys.stderr)
    rejects = f"{resolved.settings.resolved_work_dir.rstrip('/')}/rejects.jsonl"
    folder = str(record_of(resolved.settings.resolved_work_dir).get("working_directory") or ".")  # of the run whose rejects these are
    before = {_place(reject, folder) for reject in objects_of(rejects) if reject.get("reason") in chosen}
    code = job.run(resolved, beam_argv, chosen)
    if not resolved.settings.detach:
        print(came_of_it(before, objects_of(rejects)))
    return code


def came_of_it(before: set[tuple[Any, ...]], rejects: Iterable[Mapping[str, Any]]) -> str:
    """What became of the rows that were rejected ``before`` (split, absolute file, line), by the rejects of now."""
    still = Counter(str(reject.get("reason")) for reject in rejects if _place(reject, os.getcwd()) in before)
    reasons_now = ", ".join(f"{count:,} {reason}" for reason, count in still.most_common())
    now = f"{counted(len(before) - still.total(), 'example')}, {counted(still.total(), 'reject')}" + (f" ({reasons_now})" if still else "")
    return f"retried     {counted(len(before), 'row')} rejected before: now {now}"


def _place(reject: Mapping[str, Any], folder: str) -> tuple[Any, ...]:
    file = str(reject.get("file"))
    return reject.get("split"), file if is_remote(file) else os.path.normpath(os.path.join(folder, file)), reject.get("line")


def record_of(work_dir: str) -> dict[str, Any]:
    """run.json, or started.json of a run that did not come to write it."""
    found = []
    for name in ("run.json", "started.json"):
        fields = fields_of(f"{work_dir.rstrip('/')}/{name}")
        if fields is not None and isinstance(fields.get("settings"), dict):
            found.append(fields)
    if not found:
        raise SettingsError([f"work_dir: {work_dir} holds neither run.json nor started.json; name the work_dir of a run"])
    return max(found, key=lambda fields: str(fields.get("run_id", "")))


def earlier_settings(record: dict[str, Any], environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What the earlier run was given, and what of it is not in the record because it is secret, with what is said of that."""
    known = DistillSettings.model_fields
    told = {name: value for name, value in record["settings"].items() if name in record.get("origins", {}) and name in known}
    folder = str(record.get("working_directory") or ".")
    for name in PATHS:
        value = told.get(name)
        if isinstance(value, str) and not is_remote(value):
            told[name] = os.path.join(folder, value)
    missing: dict[str, str] = {}
    headers = told.get("additional_headers")
    if isinstance(headers, dict) and headers:
        del told["additional_headers"]
        missing["additional_headers"] = (
            f"additional_headers: the values of {', '.join(headers)} are secret and not in run.json; give --additional_headers again"
        )
    if holds_mask(told.get("extra_body")):
        del told["extra_body"]
        missing["extra_body"] = "extra_body: a secret in it is not in run.json; give --extra_body again"
    options = told.get("beam_options")
    if isinstance(options, dict):
        told["beam_options"] = {name: value for name, value in options.items() if not holds_mask(value)}
    if told.get("api_key_env") == KEY_VARIABLE and KEY_VARIABLE not in environ:
        del told["api_key_env"]
        missing["api_key_env"] = (
            "api_key_env: the key stood in a job file; give that file with --config, or name the key's place with --api_key_env NAME"
        )
    return told, missing
