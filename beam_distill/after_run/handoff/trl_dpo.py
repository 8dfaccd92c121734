"""A configuration for TRL's training on pairs of answers: ``trl dpo --config trl_dpo.yaml``."""

from __future__ import annotations

import os
from typing import Any

import yaml

from beam_distill.after_run.handoff.published_run import FILL_IN, HandoffFacts, commented
from beam_distill.after_run.handoff.trl_sft import evaluation

FILE = "trl_dpo.yaml"


def trl_dpo(facts: HandoffFacts) -> str | None:
    """The configuration as YAML; None without pairs that ``datasets`` can load."""
    if facts.loaded_pairs is None:
        return None
    settings = facts.settings
    config: dict[str, Any] = {
        "model_name_or_path": facts.student(azureml=False),
        "dataset_name": facts.whole_folder,
        "dataset_config": facts.pairs_config_name,
        "dataset_train_split": "train",
        "output_dir": os.path.join(facts.whole_folder, f"{settings.registered_model_name or 'student'}-dpo"),
        "num_train_epochs": settings.num_train_epochs,
        "per_device_train_batch_size": settings.per_device_train_batch_size,
        "max_length": None,
    }
    config.update(evaluation(settings, facts.loaded_validation_pairs))
    head = [
        f"trl dpo --config {FILE}; the pairs are found through the README.md in this folder. Train on the dataset first (trl_sft.yaml).",
        "The learning rate is TRL's own for DPO: that of supervised training is too large.",
    ]
    if config["model_name_or_path"] != settings.student_model:
        head.append(FILL_IN + " A Hugging Face name or a path, best of the model that trl_sft.yaml trained.")
    return commented(head) + yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
