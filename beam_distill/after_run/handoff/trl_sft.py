"""A configuration for TRL's supervised fine-tuning: ``trl sft --config trl_sft.yaml``."""

from __future__ import annotations

import os
from typing import Any

import yaml

from beam_distill.after_run.handoff.published_run import FILL_IN, HandoffFacts, commented
from beam_distill.config.settings import DistillSettings
from transforms.students.registry import STUDENT_FORMATS

FILE = "trl_sft.yaml"


def trl_sft(facts: HandoffFacts) -> str | None:
    """The configuration as YAML; None if TRL cannot train on the dataset's rows without a conversion."""
    settings = facts.settings
    if not STUDENT_FORMATS[settings.student_format].is_read_by_trl:
        return None
    config: dict[str, Any] = {
        "model_name_or_path": facts.student(azureml=False),
        "dataset_name": facts.whole_folder,
        "dataset_train_split": "train",
        "output_dir": os.path.join(facts.whole_folder, settings.registered_model_name or "student"),
        "num_train_epochs": settings.num_train_epochs,
        "per_device_train_batch_size": settings.per_device_train_batch_size,
        "learning_rate": float(f"{settings.learning_rate * (settings.learning_rate_multiplier or 1.0):.6g}"),
        "max_length": None,
    }
    if facts.loaded_pairs is not None:  # then there are two to choose from
        config["dataset_config"] = facts.config_name
    config.update(evaluation(settings, facts.loaded_validation))
    head = [
        f"trl sft --config {FILE}; the dataset is found through the README.md in this folder.",
        "max_length cuts rows off; without one, the longest row decides how much memory a device needs.",
    ]
    if settings.learning_rate_multiplier is not None:
        head.append(f"learning_rate is {settings.learning_rate:g} times the multiplier {settings.learning_rate_multiplier:g}.")
    if config["model_name_or_path"] != settings.student_model:
        head.append(FILL_IN + " A Hugging Face name or a path.")
    return commented(head) + yaml.safe_dump(config, sort_keys=False, allow_unicode=True)


def evaluation(settings: DistillSettings, validation: str | None) -> dict[str, Any]:
    """What a configuration says about evaluating on the validation rows; nothing without any."""
    if validation is None:
        return {}
    batch_size = settings.per_device_train_batch_size
    return {"dataset_test_split": "validation", "eval_strategy": "epoch", "per_device_eval_batch_size": batch_size}
