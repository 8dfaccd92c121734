"""The job as a function call: the implementation of ``distill()``."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from beam_distill.after_run.result import RunResult
from beam_distill.config.errors import SettingsError
from beam_distill.config.sources import resolve
from beam_distill.job.secret_variables import keep_in_variables, variables_put_back
from beam_distill.run.interrupts import Interrupts
from beam_distill.run.job import run_job
from beam_distill.run.process_wide import LIMITS_AND_OPTIONS_PUT_BACK
from beam_distill.run.progress.displays import display_of_program
from beam_distill.run.progress.tracker import ProgressView
from beam_distill.run.separate_report import with_report

log = logging.getLogger("beam_distill")


def run_inputs(config: str | os.PathLike[str] | None, inputs: Mapping[str, Any], progress: Callable[[ProgressView], None] | None) -> RunResult:
    """See ``beam_distill.distill``."""
    given = {name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in inputs.items()}
    resolved = resolve(given, None if config is None else os.fspath(config), os.environ, given_as="keyword argument")
    settings = resolved.settings
    if settings.detach:
        raise SettingsError(["detach: distill() waits for the run's end; beam-distill run --detach true only submits a job"])
    for warning in resolved.warnings:
        log.warning("%s", warning)
    interrupts = Interrupts(ends_process=False)
    with variables_put_back(), LIMITS_AND_OPTIONS_PUT_BACK:
        keep_in_variables(resolved.secrets)
        try:
            result = run_job(resolved, show=partial(display_of_program, settings.quiet, progress), interrupts=interrupts)
        except Exception:
            if interrupts.received is None:
                raise
            # a second Ctrl-C raised it inside Beam, which turns it into another error
            raise KeyboardInterrupt from None
        if settings.report:
            result = with_report(result, resolved)
    interrupts.hand_on()
    return result
