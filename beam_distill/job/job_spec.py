"""A job for its workers."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.acceptance.spec import AcceptanceSpec
from transforms.elements.data_specs import DatasetSpec, InputSpec, RunFiles
from transforms.elements.tally import GateSpec
from transforms.prompts.spec import PromptSpec
from transforms.teacher.specs import ScoringSpec


@dataclass(frozen=True)
class JobSpec:
    """One job as the workers need it: without secrets and without the command's names."""

    rows: InputSpec
    files: RunFiles
    prompt: PromptSpec
    scoring: ScoringSpec
    dataset: DatasetSpec
    mini_batch_bytes: int
    gate: GateSpec
    acceptance: AcceptanceSpec
