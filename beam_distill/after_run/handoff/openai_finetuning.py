"""A fine-tune request for OpenAI and compatible services: the body of ``POST /v1/fine_tuning/jobs``."""

from __future__ import annotations

import json
from typing import Any

from beam_distill.after_run.handoff.published_run import HandoffFacts
from beam_distill.version import VERSION

FILE = "openai_finetuning.json"
TRAIN_FILE_ID = "TRAIN_FILE_ID"
VALIDATION_FILE_ID = "VALIDATION_FILE_ID"
LONGEST_SUFFIX = 64
LONGEST_METADATA = 512


def openai_finetuning(facts: HandoffFacts) -> str | None:
    """The request as JSON, with placeholders for the ids of the uploaded files; None if the API cannot train on the rows."""
    if not facts.is_plain_chat:
        return None
    settings = facts.settings
    hyperparameters: dict[str, Any] = {"n_epochs": settings.num_train_epochs, "batch_size": settings.per_device_train_batch_size}
    if settings.learning_rate_multiplier is not None:
        hyperparameters["learning_rate_multiplier"] = settings.learning_rate_multiplier
    request: dict[str, Any] = {"model": facts.student(azureml=False), "training_file": TRAIN_FILE_ID}
    if facts.validation is not None:
        request["validation_file"] = VALIDATION_FILE_ID
    request["method"] = {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}
    if settings.registered_model_name:
        request["suffix"] = settings.registered_model_name[:LONGEST_SUFFIX]
    request["metadata"] = {"made_by": f"beam_distill {VERSION}", "task": settings.data_generation_task_type.value}
    if facts.teacher:
        request["metadata"]["teacher"] = facts.teacher[:LONGEST_METADATA]
    return json.dumps(request, indent=2, ensure_ascii=False) + "\n"
