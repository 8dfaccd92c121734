"""Lines of the files that a run writes."""

from __future__ import annotations

import json
from typing import Any

import orjson

from transforms.elements.data_specs import DatasetSpec
from transforms.elements.rows import RejectedRow


def json_line(value: dict[str, Any], ensure_ascii: bool) -> str:
    """A row as one line, without its end."""
    if ensure_ascii:
        return json.dumps(value, separators=(",", ":"))
    return orjson.dumps(value).decode()


def reject_line(reject: RejectedRow, dataset: DatasetSpec) -> str:
    """One line of rejects.jsonl."""
    return json_line(
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
