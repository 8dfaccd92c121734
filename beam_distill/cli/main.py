"""The command line: subcommands, their flags, and every error turned into a message and an exit code."""

from __future__ import annotations

import argparse
import difflib
import errno
import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from beam_distill.cli.standard_streams import hold_standard_streams, output_failure
from beam_distill.cli.status import with_work_dir_named
from beam_distill.config.errors import SettingsError
from beam_distill.config.flags import SettingsHelp, add_setting_flags, with_values_that_look_like_flags
from beam_distill.exit_codes import EXPLANATIONS, ExitCode, RunRefused
from beam_distill.runners.log_lines import LogLines
from beam_distill.version import VERSION

_COMMANDS = ("run", "check", "plan", "jar", "status", "report", "ledger", "retry", "simulate", "render", "launch")
_EXITS = "exit codes:\n" + "\n".join(f"  {code.value:>3}  {text}" for code, text in EXPLANATIONS.items())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with ``argv`` (the process's own by default); the exit code."""
    if argv is not None:
        return _main(list(argv))
    hold_standard_streams()
    code = _main(sys.argv[1:])
    sys.stdout.flush()
    # the outcome is settled and said: Ctrl-C while Python tidies up neither changes it nor prints a traceback
    signal.signal(signal.SIGINT, lambda *_: os._exit(code))
    lost = output_failure()
    if lost is not None and lost.errno != errno.EPIPE:  # who reads may have read enough
        print(f"beam-distill: standard output cannot be written: {lost.strerror}; the exit code is that of the command", file=sys.stderr)
    sys.stderr.flush()
    return code


def _main(arguments: list[str]) -> int:
    parser = _parser(show_all="--help-all" in arguments)
    if "--help-all" in arguments:
        arguments = [argument if argument != "--help-all" else "--help" for argument in arguments]
    if arguments and not arguments[0].startswith("-") and arguments[0] not in _COMMANDS:
        near = difflib.get_close_matches(arguments[0], _COMMANDS, n=1, cutoff=0.5)
        said = f"did you mean {near[0]}?" if near else f"there are {', '.join(_COMMANDS)}"
        print(f"beam-distill: {arguments[0]!r} is no command; {said}", file=sys.stderr)
        return int(ExitCode.WRONG_INPUT)
    try:
        namespace, leftovers = parser.parse_known_args(with_values_that_look_like_flags(with_work_dir_named(arguments)))
    except SystemExit as ended:
        return int(ended.code or 0)
    if namespace.command is None:
        parser.print_help()
        return int(ExitCode.WRONG_INPUT)
    try:
        return int(_dispatch(namespace, leftovers))
    except (SettingsError, RunRefused) as refused:
        code = refused.code if isinstance(refused, RunRefused) else ExitCode.WRONG_INPUT
        print(f"beam-distill {namespace.command}: {refused}", file=sys.stderr)
        return int(code)
    except KeyboardInterrupt:
        print("interrupted. If anything was sent, every answer received is on the ledger.", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)
    except Exception:  # noqa: BLE001 - the last door: a defect gets its traceback and exit code 1
        traceback.print_exc()
        print("This is a defect of beam-distill; please report it with these lines. Answers already on the ledger are kept.", file=sys.stderr)
        return int(ExitCode.DEFECT)


def _parser(show_all: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="beam-distill",
        description="Send every prompt to a teacher model and get a training and a validation file back, with nothing lost.\n"
        "Begin with check, then run. beam-distill COMMAND --help says what a command takes.",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"beam-distill {VERSION}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    from beam_distill.cli import jar, launch, render, simulate, status

    for name, text in (
        ("run", "do the job: rows in, two datasets out"),
        ("check", "find everything that can be wrong, before paying"),
        ("plan", "show what would be done, and where each setting came from"),
        ("jar", "make the portable jar of the job, for a Flink or Spark cluster"),
        ("status", "show how a job is that was handed over, and its verdict at its end"),
    ):
        command = commands.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            epilog="--help-all shows every input; Beam's own options are passed through. Flags go before BEAM_DISTILL_* "
            "environment variables, those before --config, that before defaults.",
            formatter_class=SettingsHelp,
            allow_abbrev=False,
            add_help=False,
        )
        command.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)
        if name == "check":
            from beam_distill.cli import check

            check.add_arguments(command)
        if name == "plan":
            from beam_distill.cli import plan

            plan.add_arguments(command)
        if name in ("jar", "status"):
            (jar if name == "jar" else status).add_flags(command)
            add_setting_flags(command, show_all=show_all, groups_shown=("data", "runner"))
        else:
            add_setting_flags(command, show_all=show_all)
    from beam_distill.cli import ledger, report, retry

    report.add_command(commands)
    ledger.add_command(commands)
    retry.add_command(commands, show_all)
    simulate.add_command(commands)
    render.add_command(commands)
    launch.add_command(commands)
    return parser


def _dispatch(namespace: argparse.Namespace, leftovers: list[str]) -> int:
    if namespace.command == "simulate":
        from beam_distill.cli import simulate

        return simulate.run(namespace, leftovers)
    if namespace.command == "render":
        from beam_distill.cli import render

        _set_up_logging(debug=False, quiet=False)
        return render.run(namespace, leftovers)
    if namespace.command == "launch":
        from beam_distill.cli import launch

        _set_up_logging(debug=False, quiet=False)
        return launch.run(namespace, leftovers)
    if namespace.command in ("report", "ledger"):
        from beam_distill.cli import ledger, report
        from beam_distill.cli.resolve import beam_arguments
        from beam_distill.job.reach import reach

        _set_up_logging(debug=False, quiet=False)
        reach(namespace.work_dir, tuple(beam_arguments(leftovers)))
        return report.run(namespace) if namespace.command == "report" else ledger.run(namespace)
    _set_up_logging(debug=False, quiet=False)  # Beam's option names may be asked for before the settings are there
    from beam_distill.cli.resolve import beam_arguments, resolve_command
    from beam_distill.cli.unused_storage import leave_out_unused_storage

    if namespace.command == "retry":
        from beam_distill.cli import retry
        from beam_distill.job.reach import reach

        beam_argv = beam_arguments(leftovers)
        reach(namespace.work_dir, tuple(beam_argv))
        resolved, chosen = retry.resolve_retry(namespace, os.environ)
    else:
        from beam_distill.cli.status import resolve_status

        resolve_job = resolve_status if namespace.command == "status" else resolve_command
        resolved, beam_argv = resolve_job(namespace, leftovers, os.environ)
    _set_up_logging(resolved.settings.debug_mode, resolved.settings.quiet)
    for warning in resolved.warnings:
        logging.getLogger("beam_distill").warning("%s", warning)
    leave_out_unused_storage([*map(str, resolved.settings.model_dump().values()), *beam_argv])
    if namespace.command == "run":
        from beam_distill.cli import run

        return run.run(resolved, beam_argv)
    if namespace.command == "retry":
        return retry.run(resolved, beam_argv, chosen)
    from transforms.files.paths import is_remote

    if any(is_remote(path) for path in resolved.settings.storage_paths):
        from beam_distill.job.beam_options import beam_given, use_storage_options

        use_storage_options(beam_given(resolved, beam_argv))
    if namespace.command == "check":
        from beam_distill.cli import check

        return check.run(resolved, namespace.strict, namespace.pilot)
    if namespace.command == "jar":
        from beam_distill.cli import jar

        return jar.run(resolved, beam_argv, namespace)
    if namespace.command == "status":
        from beam_distill.cli import status

        return status.run(resolved, beam_argv, namespace)
    from beam_distill.cli import plan

    return plan.run(resolved, namespace.defaults)


class _StderrHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to what standard error is at the moment: a live view puts itself in its place."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        """Standard error of this moment."""
        return sys.stderr

    @stream.setter
    def stream(self, _: Any) -> None:
        raise AttributeError("always standard error")


def _set_up_logging(debug: bool, quiet: bool) -> None:
    handler = _StderrHandler()
    handler.setFormatter(LogLines())
    ours = logging.getLogger("beam_distill")
    ours.handlers[:] = [handler]
    ours.setLevel(logging.DEBUG if debug else logging.WARNING if quiet else logging.INFO)
    ours.propagate = False
    # Beam and what it imports warn about optional parts that nobody asked for
    logging.getLogger().setLevel(logging.WARNING if debug else logging.ERROR)
    # a stage's exception reaches the command, which shows it once; Beam would log it several times before
    logging.getLogger("apache_beam").setLevel(logging.WARNING if debug else logging.CRITICAL)
    # the same of a runner's word, which Beam logs at the root
    logging.getLogger().removeFilter(_is_no_runners_word)
    if not debug:
        logging.getLogger().addFilter(_is_no_runners_word)


def _is_no_runners_word(record: logging.LogRecord) -> bool:
    return record.module != "portable_runner"
