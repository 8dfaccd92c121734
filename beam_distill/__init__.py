"""What the person runs: the command, its settings, the assembly and the embedded teacher.

``distill()`` is the command as a function. The rest of what is exported is what it returns, raises and hands to ``progress``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from beam_distill.run.process_wide import ROOT_LOGGER_LEFT_ALONE

if TYPE_CHECKING:
    from beam_distill.after_run.result import RunResult
    from beam_distill.config.errors import SettingsError
    from beam_distill.exit_codes import ExitCode, RunRefused
    from beam_distill.run.progress.tracker import ProgressView

__all__ = ["ExitCode", "ProgressView", "RunRefused", "RunResult", "SettingsError", "distill"]

_HOMES = {
    "ExitCode": "beam_distill.exit_codes",
    "ProgressView": "beam_distill.run.progress.tracker",
    "RunRefused": "beam_distill.exit_codes",
    "RunResult": "beam_distill.after_run.result",
    "SettingsError": "beam_distill.config.errors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)  # only who asks for it waits for what it imports


def distill(
    config: str | os.PathLike[str] | None = None, /, *, progress: Callable[[ProgressView], None] | None = None, **inputs: Any
) -> RunResult:
    """Do what ``beam-distill run`` does: rows in, two datasets out.

    ``inputs`` go by the names of the command's inputs (docs/inputs.md) and win over the environment (``BEAM_DISTILL_*``), that over the
    file ``config`` (YAML or JSON), that over defaults. Paths may be ``pathlib.Path``. Works in scripts, threads, notebooks and under a
    running event loop; several may run at the same time, each in a work_dir of its own.

    Progress is drawn in a notebook's cell or on a terminal, and logged by ``beam_distill`` at level INFO elsewhere; ``quiet=True`` leaves
    it out, and ``progress`` gets it instead: a function that is called with a ProgressView a few times a second, on another thread.

    Returns how the run ended: ``print(result)`` is the command's summary; ``ok``, ``exit_code``, ``datasets``, ``verdict``, ``metrics`` and
    the paths of rejects and report are there to be read. A run that published nothing returns too.
    Raises SettingsError for inputs that are wrong and RunRefused when nothing could be started, each with what to do; KeyboardInterrupt
    after Ctrl-C, once the answers in flight were waited for. Every answer received is on the ledger, and the same call goes on from there.
    """
    with ROOT_LOGGER_LEFT_ALONE:
        # late: keeps Beam out of the start
        from beam_distill.run.from_python import run_inputs

        return run_inputs(config, inputs, progress)
