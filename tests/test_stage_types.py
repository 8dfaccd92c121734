"""Every stage says what it gives: no output of ours has the type Any in the pipeline that a job builds."""

from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor

from beam_distill.config.sources import resolve
from beam_distill.job.pipeline import build
from beam_distill.job.specs import endpoint_spec, job_spec


class _Outputs(PipelineVisitor):
    """The types of what our transforms and DoFns give, by stage and tag; the main output beside tags has a type where something reads it."""

    def __init__(self) -> None:
        self.types: dict[str, Any] = {}

    def enter_composite_transform(self, transform_node: AppliedPTransform) -> None:
        self._note(transform_node)

    def visit_transform(self, transform_node: AppliedPTransform) -> None:
        self._note(transform_node)

    def _note(self, node: AppliedPTransform) -> None:
        made_by = node.transform.fn if isinstance(node.transform, beam.ParDo) else node.transform
        if not type(made_by).__module__.startswith("transforms."):
            return
        for tag, output in node.outputs.items():
            if tag is not None or len(node.outputs) == 1:
                self.types[f"{node.full_label}[{tag}]"] = output.element_type


@pytest.fixture
def types(tmp_path: Path) -> dict[str, Any]:
    """What the stages of a job with both splits give."""
    rows = str(tmp_path / "rows.jsonl")
    Path(rows).write_text('{"messages": []}\n')
    settings = resolve(
        {
            "data_generation_task_type": "MATH",
            "train_file_path": rows,
            "validation_file_path": rows,
            "generated_batch_train_file_path": str(tmp_path / "train.jsonl"),
            "generated_batch_validation_file_path": str(tmp_path / "validation.jsonl"),
            "teacher_model_endpoint_url": "http://127.0.0.1:9/v1",
        },
        None,
        {},
    ).settings
    pipeline, outputs = beam.Pipeline(), _Outputs()
    build(pipeline, job_spec(settings, endpoint_spec(settings), "run", True, ()))
    pipeline.visit(outputs)
    return outputs.types


def test_every_stage_is_seen(types: dict[str, Any]) -> None:
    stages = (
        "FormatPrompts",
        "DropAnswered",
        "BatchBySize",
        "ScoreWithTeacher",
        "ParseReplies",
        "CombineSuccess",
        "JudgeSuccess",
        "WriteParts",
        "PlaceDataset",
    )
    assert [stage for stage in stages if not any(stage in label for label in types)] == []


def test_no_output_is_any(types: dict[str, Any]) -> None:
    assert {label: kind for label, kind in types.items() if kind is None or "Any" in str(kind)} == {}
