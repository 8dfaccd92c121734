"""Beam's pipeline for our jobs: in a notebook or an IPython shell it is the same as anywhere, and it leaves no temporary folders behind.

Where IPython is running, Beam puts the cell's number before the labels of every pipeline's stages. For that it loads its interactive
runner, which needs pandas and has the notebook load a script from another host. Our stages keep their names; pipelines of the
program around us are Beam's business, as before.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from contextvars import ContextVar
from typing import Any

import apache_beam as beam
from apache_beam import pipeline as beam_pipeline
from apache_beam.transforms import environments

_RUNNING: ContextVar[ExitStack | None] = ContextVar("_RUNNING", default=None)
"""What is removed once the current thread has started one of our pipelines; None while it starts none."""


class OwnPipeline(beam.Pipeline):
    """A pipeline whose stages keep their labels, and of which no temporary folder stays."""

    def __init__(self, runner: Any = None, options: Any = None) -> None:
        super().__init__(runner=runner, options=options)
        # only stages in other languages put files there; Beam removes it after the run, which a killed command does not reach
        shutil.rmtree(self.local_tempdir, ignore_errors=True)

    def run(self, test_runner_api: bool | str = "AUTO") -> Any:
        """As Beam's. What Beam built for the workers is removed: by then a job server has it, or the job has ended."""
        with ExitStack() as stack:
            token = _RUNNING.set(stack)
            try:
                return super().run(test_runner_api)
            finally:
                _RUNNING.reset(token)


def _removed_after_run(files_for_workers: Callable[..., Any]) -> Callable[..., Any]:
    """Beam builds the files for workers in a temporary folder and leaves it."""

    def files_for_workers_of_ours(options: Any, tmp_dir: str | None = None) -> Any:
        stack = _RUNNING.get()
        if tmp_dir is None and stack is not None:
            tmp_dir = stack.enter_context(tempfile.TemporaryDirectory(prefix="beam-distill-for-workers-"))
        return files_for_workers(options, tmp_dir)

    return files_for_workers_of_ours


def _for_others(relabel: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    def relabel_unless_ours(transform: Any, pvalueish: Any) -> None:
        first = pvalueish[0] if isinstance(pvalueish, tuple) else pvalueish  # a stage with several inputs gets a tuple
        if not isinstance(getattr(first, "pipeline", first), OwnPipeline):
            relabel(transform, pvalueish)

    return relabel_unless_ours


beam_pipeline.alter_label_if_ipython = _for_others(beam_pipeline.alter_label_if_ipython)
environments.python_sdk_dependencies = _removed_after_run(environments.python_sdk_dependencies)
