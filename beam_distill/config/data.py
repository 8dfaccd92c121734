"""Inputs about files."""

from __future__ import annotations

from beam_distill.config.base import Section, setting
from beam_distill.config.fields import Flag


class DataSettings(Section):
    """Rows in, datasets out."""

    train_file_path: str = setting(
        ..., "data", "JSONL rows to train on: path or glob", 'Rows `{"messages": [...]}`; any filesystem Beam knows.', True
    )
    validation_file_path: str | None = setting(None, "data", "JSONL rows to validate on: path or glob", "", True)
    generated_batch_train_file_path: str = setting(..., "data", "the training dataset to write", "Published whole or not at all.", True)
    generated_batch_validation_file_path: str | None = setting(
        None, "data", "the validation dataset to write", "Without a validation input it becomes an empty file.", True
    )
    work_dir: str | None = setting(
        None,
        "data",
        "ledger, rejects, run.json (default: beside the output)",
        "A rerun with the same work_dir sends only what has no answer.",
        True,
    )
    limit: int | None = setting(None, "data", "only the first N rows of each split", "A pilot; the full run reuses its answers.", True, ge=1)
    ensure_ascii: Flag = setting(False, "data", "escape everything beyond ASCII in the datasets")
