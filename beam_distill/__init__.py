"""What the person runs: the command, its settings, the assembly and the embedded teacher."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beam_distill.run_record import RunResult

__all__ = ["distill"]


def distill(config: str | None = None, /, **inputs: Any) -> RunResult:
    """Do what ``beam-distill run`` does: rows in, two datasets out.

    ``inputs`` go by the names of the command's inputs and win over the environment (``BEAM_DISTILL_*``), that over the file
    ``config`` (YAML or JSON), that over defaults. Returns how the run ended: exit code, verdict per split, paths, metrics.
    Raises SettingsError and RunRefused when nothing could be started, with what to do.
    """
    # imported here: a command that needs no Beam must not wait for it
    from beam_distill.config.sources import resolve
    from beam_distill.launch import run_job

    return run_job(resolve(inputs, config, os.environ))
