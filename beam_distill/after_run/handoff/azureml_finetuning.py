"""A fine-tuning job for Azure ML: ``az ml job create --file azureml_finetuning.yaml``."""

from __future__ import annotations

from typing import Any

import yaml

from beam_distill.after_run.handoff.published_run import FILL_IN, HandoffFacts, commented

FILE = "azureml_finetuning.yaml"


def azureml_finetuning(facts: HandoffFacts) -> str | None:
    """The job as YAML; None if Azure ML's chat completion cannot train on the dataset's rows."""
    if not facts.is_plain_chat:
        return None
    settings = facts.settings
    job: dict[str, Any] = {
        "type": "finetuning",
        "task": "chat_completion",
        "model_provider": "custom",
        "experiment_name": "beam-distill",
        "model": {"type": "mlflow_model", "path": facts.student(azureml=True)},
        "training_data": {"type": "uri_file", "path": facts.train},
    }
    if facts.validation is not None:
        job["validation_data"] = {"type": "uri_file", "path": facts.validation}
    job["hyperparameters"] = _hyperparameters(facts)
    if settings.compute_finetune == "serverless":
        job["resources"] = {"instance_types": [settings.instance_type_finetune]}
    else:
        job["compute"] = f"azureml:{settings.compute_finetune.removeprefix('azureml:')}"
    if settings.registered_model_name:
        job["outputs"] = {"registered_model": {"type": "mlflow_model", "name": settings.registered_model_name}}
    head = [f"az ml job create --file {FILE}; paths are relative to this file."]
    if settings.student_model is None or not settings.student_model.startswith("azureml:"):
        head.append(FILL_IN + " An asset id of Azure ML: azureml://registries/.../models/...")
    return commented(head) + yaml.safe_dump(job, sort_keys=False, allow_unicode=True)


def _hyperparameters(facts: HandoffFacts) -> dict[str, str]:
    """Text values, as in the job schema. With a multiplier, the names are those of services that choose the rate themselves."""
    settings = facts.settings
    if settings.learning_rate_multiplier is not None:
        return {
            "n_epochs": str(settings.num_train_epochs),
            "batch_size": str(settings.per_device_train_batch_size),
            "learning_rate_multiplier": f"{settings.learning_rate_multiplier:g}",
        }
    return {
        "num_train_epochs": str(settings.num_train_epochs),
        "per_device_train_batch_size": str(settings.per_device_train_batch_size),
        "learning_rate": f"{settings.learning_rate:g}",
    }
