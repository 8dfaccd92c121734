"""Lines of the files that a run writes."""

from __future__ import annotations

import json
from typing import Any

import orjson

from transforms.elements.data_specs import DatasetSpec
from transforms.elements.rows import DistilledExample, RejectedRow
from transforms.students.base import turns_of
from transforms.students.metadata import METADATA, metadata_of
from transforms.students.registry import STUDENT_FORMATS


def example_row(example: DistilledExample, dataset: DatasetSpec) -> dict[str, Any]:
    """One row of a dataset as JSON values, in the student's format."""
    row = STUDENT_FORMATS[dataset.student_format].row(turns_of(example, dataset.reasoning))
    if dataset.metadata is not None:
        row[METADATA] = metadata_of(example, dataset.metadata)
    return row


def example_line(example: DistilledExample, dataset: DatasetSpec) -> str:
    """One line of a dataset."""
    return _json(example_row(example, dataset), dataset.ensure_ascii)


def reject_line(reject: RejectedRow, dataset: DatasetSpec) -> str:
    """One line of rejects.jsonl."""
    return _json(
        {
            "split": reject.origin.split.value,
            "file": reject.origin.file,
            "line": reject.origin.line,
            "reason": reject.reason,
            "detail": reject.detail,
            "attempts": reject.attempts,
            "raw_answer": reject.raw_answer,
            "row_key": reject.row_key,
        },
        dataset.ensure_ascii,
    )


def _json(value: dict[str, Any], ensure_ascii: bool) -> str:
    if ensure_ascii:
        return json.dumps(value, separators=(",", ":"))
    return orjson.dumps(value).decode()
