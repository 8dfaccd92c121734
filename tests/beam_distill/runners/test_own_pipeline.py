"""Our pipelines are not relabelled in a notebook; for other pipelines Beam works as before."""

from typing import Any

import apache_beam as beam
import pytest
from apache_beam.pvalue import PBegin

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
