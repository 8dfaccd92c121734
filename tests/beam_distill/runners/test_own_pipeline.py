"""Our pipelines are not relabelled in a notebook and leave no temporary folder; for other pipelines Beam works as before."""

import tempfile
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import PBegin
from apache_beam.transforms import environments

from beam_distill.runners.beam_internals.own_pipeline import OwnPipeline, _for_others


@pytest.mark.fault("N1")
def test_other_pipelines_are_relabelled_as_before() -> None:
    seen: list[Any] = []
    relabel = _for_others(lambda transform, pvalueish: seen.append(pvalueish))
    ours, theirs = OwnPipeline(), beam.Pipeline()
    for pvalueish in (ours, PBegin(ours), theirs, PBegin(theirs), (PBegin(theirs), PBegin(theirs)), {"a": PBegin(theirs)}):
        relabel(None, pvalueish)
    assert len(seen) == 4
    assert seen[0] is theirs


def test_a_killed_run_leaves_no_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    OwnPipeline()  # and nothing that is done once it has run
    assert list(tmp_path.iterdir()) == []


def test_files_for_workers_of_other_pipelines_are_beams_business(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    environments.python_sdk_dependencies(PipelineOptions(["--runner=FnApiRunner"]))
    assert list(tmp_path.glob("tmp*"))
