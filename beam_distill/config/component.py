"""The inputs and outputs of Azure ML's distillation component."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.elements.tasks import TaskType


@dataclass(frozen=True, slots=True)
class ComponentInput:
    """Type, default and choices of an input. ``optional`` has Azure ML's meaning: it is independent of a default."""

    type: str
    optional: bool = True
    default: str | int | float | bool | None = None
    choices: tuple[str, ...] = ()


def _text(default: str | None = None) -> ComponentInput:
    return ComponentInput("string", default=default)


def _number(default: int | float, optional: bool = False) -> ComponentInput:
    return ComponentInput("integer" if isinstance(default, int) else "number", optional, default)


# the tasks include ours, after the five of the published component;
# teacher_model_asset_id and connection_name are not in the published component: they name what it takes as a key
COMPONENT: dict[str, ComponentInput] = {
    "train_file_path": ComponentInput("uri_file", optional=False),
    "validation_file_path": ComponentInput("uri_file"),
    "data_generation_task_type": ComponentInput("string", optional=False, choices=tuple(TaskType.__members__)),
    "teacher_model_endpoint_url": _text(),
    "teacher_model_endpoint_name": _text(),
    "teacher_model_asset_id": _text(),
    "connection_name": _text(),
    "authentication_type": ComponentInput(
        "string",
        optional=False,
        default="azureml_workspace_connection",
        choices=("azureml_workspace_connection", "managed_identity"),
    ),
    "teacher_model_max_new_tokens": _number(128),
    "teacher_model_temperature": _number(0.2),
    "teacher_model_top_p": _number(0.1),
    "teacher_model_frequency_penalty": _number(0.0),
    "teacher_model_presence_penalty": _number(0.0),
    "teacher_model_stop": _text(),
    "min_endpoint_success_ratio": _number(0.7),
    "enable_chain_of_thought": _text("false"),
    "enable_chain_of_density": _text("false"),
    "max_len_summary": _number(80, optional=True),
    "additional_headers": _text(),
    "debug_mode": ComponentInput("boolean", optional=False, default=False),
    "ensure_ascii": ComponentInput("boolean", optional=False, default=False),
    "max_retry_time_interval": ComponentInput("integer"),
    "initial_worker_count": _number(5),
    "max_worker_count": _number(200),
    "instance_count": _number(1),
    "max_concurrency_per_instance": _number(1),
    "mini_batch_size": _text("100KB"),
    "num_train_epochs": _number(1, optional=True),
    "per_device_train_batch_size": _number(1, optional=True),
    "learning_rate": _number(3e-4, optional=True),
    "instance_type_pipeline_validation": _text(),
    "instance_type_data_generation": _text("Standard_D4as_v4"),
    "instance_type_data_import": _text("Singularity.ND96amrs_A100_v4"),
    "instance_type_finetune": _text("Singularity.ND96amrs_A100_v4"),
    "compute_pipeline_validation": _text("serverless"),
    "compute_data_generation": _text("serverless"),
    "compute_data_import": _text("serverless"),
    "compute_finetune": _text("serverless"),
}
COMPONENT_INPUTS = tuple(COMPONENT)
COMPONENT_OUTPUTS = ("generated_batch_train_file_path", "generated_batch_validation_file_path")
