"""Beam's pipeline for our jobs: in a notebook or an IPython shell it is the same as anywhere.

Where IPython is running, Beam puts the cell's number before the labels of every pipeline's stages. For that it loads its interactive
runner, which needs pandas and has the notebook load a script from another host. Stages of ours keep their names; pipelines of the
program around us are Beam's business, as before.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import apache_beam as beam
from apache_beam import pipeline as beam_pipeline


class OwnPipeline(beam.Pipeline):
    """A pipeline whose stages keep their labels."""

    def run(self, test_runner_api: bool | str = "AUTO") -> Any:
        """As Beam's, and the temporary folder goes in IPython too: nothing interactive needs it afterwards."""
        try:
            return super().run(test_runner_api)
        finally:
            shutil.rmtree(self.local_tempdir, ignore_errors=True)


def _for_others(relabel: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    def relabel_unless_ours(transform: Any, pvalueish: Any) -> None:
        first = pvalueish[0] if isinstance(pvalueish, tuple) else pvalueish  # a stage with several inputs gets a tuple
        if not isinstance(getattr(first, "pipeline", first), OwnPipeline):
            relabel(transform, pvalueish)

    return relabel_unless_ours


beam_pipeline.alter_label_if_ipython = _for_others(beam_pipeline.alter_label_if_ipython)
