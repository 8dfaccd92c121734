"""What the user runs: the command, its settings, the assembly and the embedded teacher.

``distill()`` is the command as a function. The other public names are what it returns, raises and passes to ``progress``.
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
    return getattr(import_module(_HOMES[name]), name)  # loaded only when it is used


def distill(
    config: str | os.PathLike[str] | None = None, /, *, progress: Callable[[ProgressView], None] | None = None, **inputs: Any
) -> RunResult:
    """Do what ``beam-distill run`` does: rows in, two datasets out.

    ``inputs`` have the names of the command's inputs (docs/inputs.md). They override the environment (``BEAM_DISTILL_*``), which overrides
    the file ``config`` (YAML or JSON), which overrides the defaults. Paths may be ``pathlib.Path``. Works in scripts, threads, notebooks and
    with a running event loop; several runs may work at the same time, each in its own work_dir.

    Progress is shown in a notebook's cell or on a terminal, and elsewhere logged by ``beam_distill`` at level INFO. ``quiet=True`` turns it
    off. ``progress`` gets it instead: a function that is called with a ProgressView a few times a second, on another thread.

    Returns the result: ``print(result)`` shows the command's summary; ``ok``, ``exit_code``, ``datasets``, ``verdict``, ``metrics`` and
    the paths of rejects and report are attributes. A run that published nothing also returns.
    Raises SettingsError for wrong inputs and RunRefused when the run cannot start, each with advice; KeyboardInterrupt
    after Ctrl-C, when the answers in flight have arrived. Every received answer is on the ledger, and the same call continues from there.
    """
    with ROOT_LOGGER_LEFT_ALONE:
        # late: keeps Beam out of the start
        from beam_distill.run.from_python import run_inputs

        return run_inputs(config, inputs, progress)
