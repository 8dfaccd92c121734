"""The hand-off folder of a training dataset. Without Beam, so that rendering a workflow need not load it."""

from __future__ import annotations

import os

from transforms.intake.compression import without_compression_suffix


def handoff_folder(train_output: str) -> str:
    """The folder of a training dataset's hand-off: ``out/train.jsonl`` has ``out/train.handoff``."""
    return os.path.splitext(without_compression_suffix(train_output))[0] + ".handoff"
