"""The report at the end of a run, written by a separate process: its libraries and its errors cannot affect the run."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from beam_distill.after_run.result import RunResult
from beam_distill.config.sources import ResolvedSettings
from beam_distill.exit_codes import ExitCode
from beam_distill.job.beam_options import beam_given
from transforms.files.paths import is_remote

log = logging.getLogger("beam_distill")

PATIENCE_S = 1800.0
_COMMAND = (
    "import sys; sys.path[:] = [*filter(None, sys.path), *sys.argv[1:]]; "  # no module of the working directory instead of Python's own
    "import json; from beam_distill.cli.main import main; sys.exit(main(json.loads(sys.stdin.buffer.read())))"
)
_OURS = str(Path(__file__).parents[2])
"""Where this package is, which may be the working directory."""


def with_report(result: RunResult, resolved: ResolvedSettings, beam_argv: list[str] | None = None) -> RunResult:
    """The result with the path of its report; without it, and with a warning, if it could not be written."""
    if result.exit_code is ExitCode.STORAGE_FAILED or not (is_remote(result.work_dir) or Path(result.work_dir).is_dir()):
        return result
    # the arguments go through a pipe: Beam's options may contain the key of a storage account, and command lines are visible to others
    arguments = json.dumps(["report", result.work_dir, *_storage_options(resolved, beam_argv or [])])
    said = {**os.environ, "PYTHONIOENCODING": "utf-8:surrogateescape"}  # a path must come back unchanged, in any terminal encoding
    try:
        command = [sys.executable, "-c", _COMMAND, _OURS]
        ended = subprocess.run(command, input=arguments.encode(), capture_output=True, timeout=PATIENCE_S, env=said)
        out, errors = (text.decode("utf-8", "surrogateescape").strip() for text in (ended.stdout, ended.stderr))
        if ended.returncode == 0:
            path, _, agreement = out.partition("\n")
            return replace(result, report_path=path.strip(), label_agreement=agreement.strip())
        wrong = (errors.splitlines() or [f"exit code {ended.returncode}"])[-1]
    except KeyboardInterrupt:
        wrong = "interrupted"
    except (OSError, subprocess.SubprocessError) as error:
        wrong = str(error)
    log.warning("the report could not be written (%s); the run is not affected. Try: beam-distill report %s", wrong, result.work_dir)
    return result


def _storage_options(resolved: ResolvedSettings, beam_argv: list[str]) -> tuple[str, ...]:
    """Beam's options that the report needs for a remote work_dir."""
    if not is_remote(resolved.settings.resolved_work_dir):
        return ()
    return beam_given(resolved, beam_argv).argv
