"""Where the hand-off of a training dataset is. Free of Beam: a workflow is rendered without loading it."""

from __future__ import annotations

import os

from transforms.intake.compression import without_compression_suffix


def handoff_folder(train_output: str) -> str:
    """The folder of a training dataset's hand-off: ``out/train.jsonl`` has ``out/train.handoff``."""
    return os.path.splitext(without_compression_suffix(train_output))[0] + ".handoff"
