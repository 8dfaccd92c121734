"""A pipeline like Azure ML's own distillation pipeline: validate, choose, ask in batches or row by row, select, import, train.

Names of inputs, steps and components are Azure ML's published ones; the rest is written here. Steps refer to components of a registry.
"""

from typing import Any

from beam_distill.config.component import COMPONENT_INPUTS

DATAGEN = "oss_distillation_batchscoring_datagen_pipeline"
_FILES = ("train_file_path", "validation_file_path")
_NOT_THERE = ("teacher_model_asset_id", "connection_name")  # inputs that Azure ML's own pipeline does not know
_TRAINING = {"num_train_epochs": 1, "per_device_train_batch_size": 1, "learning_rate": 3e-4}
_SHARED = (
    *_FILES,
    "teacher_model_endpoint_name",
    "teacher_model_endpoint_url",
    "teacher_model_endpoint_key",
    "enable_chain_of_thought",
    "enable_chain_of_density",
    "max_len_summary",
    "data_generation_task_type",
    "teacher_model_max_new_tokens",
    "teacher_model_temperature",
    "teacher_model_top_p",
    "teacher_model_frequency_penalty",
    "teacher_model_presence_penalty",
    "min_endpoint_success_ratio",
)


def declared_inputs() -> dict[str, dict[str, Any]]:
    """The pipeline's inputs, with the types, defaults and choices that Azure ML gives them."""

    def text(default: str | None = None, optional: bool = True, **more: Any) -> dict[str, Any]:
        return {"type": "string", "optional": optional, **({} if default is None else {"default": default}), **more}

    def number(kind: str, default: float | None = None, optional: bool = False) -> dict[str, Any]:
        return {"type": kind, "optional": optional, **({} if default is None else {"default": default})}

    switch = text("false", enum=["true", "false"], description="a switch")
    return {
        "instance_type_pipeline_validation": text(),
        "instance_type_data_generation": text("Standard_D4as_v4"),
        "instance_type_data_import": text("Singularity.ND96amrs_A100_v4"),
        "instance_type_finetune": text("Singularity.ND96amrs_A100_v4"),
        **{f"compute_{step}": text("serverless") for step in ("pipeline_validation", "data_generation", "data_import", "finetune")},
        "train_file_path": {"type": "uri_file", "mode": "rw_mount", "optional": False, "description": "rows"},
        "validation_file_path": {"type": "uri_file", "mode": "rw_mount", "optional": True},
        **{f"teacher_model_endpoint_{part}": text() for part in ("name", "url", "key")},
        "teacher_model_max_new_tokens": number("integer", 128),
        "teacher_model_temperature": number("number", 0.2),
        "teacher_model_top_p": number("number", 0.1),
        "teacher_model_frequency_penalty": number("number", 0.0),
        "teacher_model_presence_penalty": number("number", 0.0),
        "teacher_model_stop": text(),
        "request_batch_size": number("integer", 10),
        "min_endpoint_success_ratio": number("number", 0.7),
        "enable_chain_of_thought": switch,
        "enable_chain_of_density": switch,
        "max_len_summary": number("integer", 80, optional=True),
        "data_generation_task_type": text(optional=False, enum=["NLI", "CONVERSATION", "NLU_QA", "MATH", "SUMMARIZATION"]),
        "authentication_type": text("azureml_workspace_connection", optional=False, enum=["azureml_workspace_connection", "managed_identity"]),
        "additional_headers": text(),
        "debug_mode": {"type": "boolean", "default": False, "optional": False},
        "ensure_ascii": {"type": "boolean", "default": False, "optional": False},
        "max_retry_time_interval": number("integer", optional=True),
        "initial_worker_count": number("integer", 5),
        "max_worker_count": number("integer", 200),
        "instance_count": number("integer", 1),
        "max_concurrency_per_instance": number("integer", 1),
        "mini_batch_size": text("100KB"),
        "number_of_gpu_to_use_finetuning": number("integer", 1, optional=True),
        "mlflow_model_path": {"type": "mlflow_model", "optional": True, "mode": "download"},
        **{name: number("integer" if isinstance(value, int) else "number", value, optional=True) for name, value in _TRAINING.items()},
        "model_asset_id": text(optional=False),
    }


def steps() -> dict[str, Any]:
    """The pipeline's steps, in its order."""

    def bound(*names: str) -> dict[str, str]:
        return {name: f"${{{{parent.inputs.{name}}}}}" for name in names}

    def made(step: str, output: str) -> str:
        return f"${{{{parent.jobs.{step}.outputs.{output}}}}}"

    def file(suffix: str = "jsonl") -> dict[str, str]:
        path = f"azureml://datastores/${{{{default_datastore}}}}/paths/azureml/${{{{name}}}}/${{{{output_name}}}}.{suffix}"
        return {"type": "uri_file", "path": path}

    datagen = [name for name in COMPONENT_INPUTS if name not in _NOT_THERE]
    sequential = (*_SHARED, "teacher_model_stop", "request_batch_size", "model_asset_id")
    return {
        "oss_distillation_validate_pipeline": {
            "type": "command",
            "component": "azureml:oss_distillation_validate_pipeline:0.0.5",
            "compute": "${{parent.inputs.compute_pipeline_validation}}",
            "identity": {"type": "user_identity"},
            "inputs": bound(*_SHARED, "request_batch_size", *_TRAINING, "model_asset_id"),
            "outputs": {"validation_info": file("json")},
        },
        "selector": {
            "type": "command",
            "component": "azureml:oss_distillation_data_generation_batch_scoring_selector:0.0.1",
            "inputs": bound("data_generation_task_type"),
        },
        "chosen": {
            "type": "if_else",
            "condition": made("selector", "output"),
            "true_block": f"${{{{parent.jobs.{DATAGEN}}}}}",
            "false_block": "${{parent.jobs.oss_distillation_seq_scoring_pipeline}}",
        },
        DATAGEN: {
            "type": "pipeline",
            "component": f"azureml:{DATAGEN}:0.0.1",
            "inputs": {
                **bound(*datagen, "teacher_model_endpoint_key"),
                "validation_info": made("oss_distillation_validate_pipeline", "validation_info"),
            },
            "outputs": {"generated_batch_train_file_path": file(), "generated_batch_validation_file_path": file()},
        },
        "oss_distillation_seq_scoring_pipeline": {
            "type": "pipeline",
            "component": "azureml:oss_distillation_seq_scoring_pipeline:0.0.1",
            "inputs": {**bound(*sequential), "validation_output": made("oss_distillation_validate_pipeline", "validation_info")},
            "outputs": {"generated_train_file_path": file(), "generated_validation_file_path": file()},
        },
        "import": {
            "type": "command",
            "component": "azureml:oss_text_generation_data_import:0.0.26",
            "inputs": {
                "train_file_path": made(DATAGEN, "generated_batch_train_file_path"),
                "validation_file_path": made(DATAGEN, "generated_batch_validation_file_path"),
            },
        },
        "oss_chat_completion_finetune": {
            "type": "command",
            "component": "azureml:oss_chat_completion_finetune:0.0.26",
            "inputs": {**bound(*_TRAINING, "mlflow_model_path", "model_asset_id"), "dataset_input": made("import", "output_dataset")},
        },
    }


def parent_pipeline(**values: Any) -> dict[str, Any]:
    """The whole pipeline as a config file; ``values`` become the values of its inputs."""
    inputs: dict[str, Any] = declared_inputs()
    inputs |= {name: {"type": "uri_file", "path": value} if name in _FILES else value for name, value in values.items()}
    return {
        "$schema": "https://azuremlschemas.azureedge.net/latest/pipelineComponent.schema.json",
        "name": "distillation_pipeline",
        "version": "0.0.1",
        "type": "pipeline",
        "inputs": inputs,
        "outputs": {"output_model": {"type": "uri_folder", "mode": "rw_mount"}},
        "jobs": steps(),
    }
