"""The command line: finds the command, prepares its inputs, and turns every error into a message and an exit code."""

from __future__ import annotations

import argparse
import difflib
import errno
import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib import import_module

from beam_distill.before_run.path_checks import whose
from beam_distill.cli.beam_arguments import check_beam_arguments
from beam_distill.cli.command import NAMES, Call, Command, Takes
from beam_distill.cli.log_output import set_up_logging
from beam_distill.cli.standard_streams import hold_standard_streams, output_failure
from beam_distill.config.errors import SettingsError
from beam_distill.config.flags import with_values_that_look_like_flags
from beam_distill.exit_codes import EXPLANATIONS, ExitCode, RunRefused
from beam_distill.job.secret_variables import keep_in_variables
from beam_distill.runners.unused_storage import leave_out_unused_storage
from beam_distill.version import VERSION

_EXITS = "exit codes:\n" + "\n".join(f"  {code.value:>3}  {text}" for code, text in EXPLANATIONS.items())


def load(name: str) -> Command:
    """The command of this name, one of NAMES, without its libraries."""
    command: Command = import_module(f"beam_distill.cli.commands.{name}").COMMAND
    return command


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with ``argv`` (by default the process's). Returns the exit code."""
    if argv is not None:
        return _main(list(argv))
    hold_standard_streams()
    code = _main(sys.argv[1:])
    sys.stdout.flush()
    # the result is final and printed: Ctrl-C during Python's shutdown must not change it or print a traceback
    signal.signal(signal.SIGINT, lambda *_: os._exit(code))
    lost = output_failure()
    if lost is not None and lost.errno != errno.EPIPE:  # the reader may have read enough
        print(f"beam-distill: standard output cannot be written: {lost.strerror}; the exit code is that of the command", file=sys.stderr)
    sys.stderr.flush()
    return code


def _main(arguments: list[str]) -> int:
    show_all = "--help-all" in arguments
    arguments = [argument if argument != "--help-all" else "--help" for argument in arguments]
    named = arguments[0] if arguments else ""
    if named and not named.startswith("-") and named not in NAMES:
        near = difflib.get_close_matches(named, NAMES, n=1, cutoff=0.5)
        said = f"did you mean {near[0]}?" if near else f"there are {', '.join(NAMES)}"
        print(f"beam-distill: {named!r} is not a command; {said}", file=sys.stderr)
        return int(ExitCode.WRONG_INPUT)
    commands = {name: load(name) for name in ([named] if named in NAMES else NAMES)}
    if named in NAMES:
        arguments = [named, *commands[named].rewrite(arguments[1:])]
    parser = _parser(commands.values(), show_all)
    try:
        namespace, leftovers = parser.parse_known_args(with_values_that_look_like_flags(arguments))
    except SystemExit as ended:
        return int(ended.code or 0)
    if namespace.command is None:
        parser.print_help()
        return int(ExitCode.WRONG_INPUT)
    try:
        return int(_call(commands[namespace.command], Call(namespace, os.environ, leftovers)))
    except (SettingsError, RunRefused) as refused:
        code = refused.code if isinstance(refused, RunRefused) else ExitCode.WRONG_INPUT
        print(f"beam-distill {namespace.command}: {refused}", file=sys.stderr)
        return int(code)
    except PermissionError as error:
        what = f"{error.filename}: {error.strerror}{whose(error.filename)}" if isinstance(error.filename, str) else str(error)
        print(f"beam-distill {namespace.command}: {what}. Answers already on the ledger are kept.", file=sys.stderr)
        return int(ExitCode.STORAGE_FAILED)
    except KeyboardInterrupt:
        print("interrupted. If anything was sent, every answer received is on the ledger.", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)
    except Exception:  # noqa: BLE001 - the last resort: a defect gets its traceback and exit code 1
        traceback.print_exc()
        print("This is a defect of beam-distill; please report it with these lines. Answers already on the ledger are kept.", file=sys.stderr)
        return int(ExitCode.DEFECT)


def _parser(commands: Iterable[Command], show_all: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="beam-distill",
        description="Send every prompt to a teacher model and get a training and a validation file back, with nothing lost.\n"
        "Start with check, then run. beam-distill COMMAND --help says what a command takes.",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"beam-distill {VERSION}")
    parsers = parser.add_subparsers(dest="command", metavar="command")
    for command in commands:
        description = f"{command.help[0].upper()}{command.help[1:]}."
        own = parsers.add_parser(command.name, help=command.help, description=description, allow_abbrev=False, add_help=command.lists_help)
        if not command.lists_help:
            own.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)
        command.declare(own, show_all)
    return parser


def _call(command: Command, call: Call) -> int:
    """Prepare the command's inputs, and run it."""
    set_up_logging()  # Beam's option names may be needed before the settings
    if command.takes is Takes.NOTHING:
        return command.run(call)
    check_beam_arguments(call.leftovers, command.name)
    if call.has_work_dir:
        # late: keeps fastavro out of the start
        from beam_distill.job.reach import reach

        reach(call.work_dir, tuple(call.leftovers))
    if command.takes is Takes.SETTINGS:
        call = replace(call, given=command.resolve(call))
        _begin(call)
    return command.run(call)


def _begin(call: Call) -> None:
    """Apply the settings that concern this process."""
    settings = call.resolved.settings
    set_up_logging(settings.debug_mode, settings.quiet)
    for warning in call.resolved.warnings:
        logging.getLogger("beam_distill").warning("%s", warning)
    keep_in_variables(call.resolved.secrets)
    leave_out_unused_storage([*map(str, settings.model_dump().values()), *call.leftovers])
