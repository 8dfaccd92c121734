"""Inputs of the component for later steps: validated, written to run.json, never interpreted here."""

from __future__ import annotations

from beam_distill.config.base import Section, setting

_TRAINING = "Written to run.json for the training that follows."
_COMPUTE = "Written to run.json; an instance type counts only if its compute is `serverless`."


class HandoffSettings(Section):
    """Training and compute of the other steps."""

    student_model: str | None = setting(
        None, "hand-off", "the model to train: Azure ML asset id, Hugging Face or OpenAI name", "Goes into the files for the training."
    )
    registered_model_name: str | None = setting(None, "hand-off", "name for the trained model", "Goes into the files for the training.")
    num_train_epochs: int = setting(1, "hand-off", "epochs of the training that follows", _TRAINING, ge=1)
    per_device_train_batch_size: int = setting(1, "hand-off", "batch size of the training that follows", _TRAINING, ge=1)
    learning_rate: float = setting(3e-4, "hand-off", "learning rate of the training that follows", _TRAINING, gt=0)
    learning_rate_multiplier: float | None = setting(
        None, "hand-off", "factor on the learning rate of the training that follows", "For services that choose the rate themselves.", gt=0
    )
    instance_type_pipeline_validation: str | None = setting(None, "hand-off", "instance type of the validation step", _COMPUTE)
    instance_type_data_generation: str = setting("Standard_D4as_v4", "hand-off", "instance type of this step", _COMPUTE)
    instance_type_data_import: str = setting("Singularity.ND96amrs_A100_v4", "hand-off", "instance type of the import step", _COMPUTE)
    instance_type_finetune: str = setting("Singularity.ND96amrs_A100_v4", "hand-off", "instance type of the training", _COMPUTE)
    compute_pipeline_validation: str = setting("serverless", "hand-off", "compute of the validation step", _COMPUTE)
    compute_data_generation: str = setting("serverless", "hand-off", "compute of this step", _COMPUTE)
    compute_data_import: str = setting("serverless", "hand-off", "compute of the import step", _COMPUTE)
    compute_finetune: str = setting("serverless", "hand-off", "compute of the training", _COMPUTE)
