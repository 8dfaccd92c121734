"""The component's 38 inputs from its documentation: type, optional, default, choices; and accepted and refused values.

Written again here, without our code.
"""

from dataclasses import dataclass
from typing import Any

REQUIRED = object()
"""Used as a default: the input must be given."""


@dataclass(frozen=True)
class Input:
    """``given`` is a value as users write it, ``means`` the resulting setting; ``beside`` holds settings that it needs; ``wrong`` maps
    refused values to words of the message."""

    type: str
    default: Any
    given: Any
    means: Any
    optional: bool = True
    choices: tuple[str, ...] = ()
    beside: dict[str, Any] | None = None
    wrong: tuple[tuple[Any, str], ...] = ()


def _text(given: str, default: Any = None, **more: Any) -> Input:
    return Input("string", default, given, given, **more)


_WHOLE = (("0", "expected at least 1"), ("-3", "expected at least 1"), ("1.5", "expected a whole number"), ("abc", "expected a whole number"))
_SHARE = (("1.1", "expected at most 1"), ("-0.1", "expected at least 0"), ("hot", "expected a number"), ("nan", "expected a number"))
_PENALTY = (("2.5", "expected at most 2"), ("-2.5", "expected at least -2"), ("much", "expected a number"))
_SWITCH = (("maybe", "expected true or false"), ("2", "expected true or false"))


def _count(default: int, given: int, optional: bool = False) -> Input:
    return Input("integer", default, given, given, optional=optional, wrong=_WHOLE)


def _machines(step: str, default: str | None) -> dict[str, Input]:
    return {f"instance_type_{step}": _text("Standard_X", default), f"compute_{step}": _text("my-pool", "serverless")}


INPUTS: dict[str, Input] = {
    **_machines("pipeline_validation", None),
    **_machines("data_generation", "Standard_D4as_v4"),
    **_machines("data_import", "Singularity.ND96amrs_A100_v4"),
    **_machines("finetune", "Singularity.ND96amrs_A100_v4"),
    "train_file_path": Input(
        "uri_file", REQUIRED, "/rows/a.jsonl", "/rows/a.jsonl", optional=False, wrong=(("azureml:rows@latest", "download it"),)
    ),
    "validation_file_path": Input(
        "uri_file",
        None,
        "/rows/b.jsonl",
        "/rows/b.jsonl",
        beside={"generated_batch_validation_file_path": "/out/b.jsonl"},
        wrong=(("azureml:rows:1", "download it"),),
    ),
    "teacher_model_endpoint_url": _text(
        "http://127.0.0.1:9/v1", wrong=(("ftp://host", "expected something like https://host/v1"), ("http://[::1", "expected something like"))
    ),
    "teacher_model_endpoint_name": _text("my-teacher"),
    "teacher_model_asset_id": _text("azureml://registries/azureml-meta/models/Meta-Llama-3.1-405B-Instruct/versions/1"),
    "connection_name": _text("my-connection"),
    "authentication_type": Input(
        "string",
        "azureml_workspace_connection",
        "managed_identity",
        "managed_identity",
        optional=False,
        choices=("azureml_workspace_connection", "managed_identity"),
        wrong=(("managed_identiy", "did you mean managed_identity"), ("key", "expected one of azureml_workspace_connection")),
    ),
    "teacher_model_max_new_tokens": _count(128, 700),
    "teacher_model_temperature": Input("number", 0.2, 0.7, 0.7, optional=False, wrong=(("2.5", "expected at most 2"), *_SHARE[1:])),
    "teacher_model_top_p": Input("number", 0.1, 0.9, 0.9, optional=False, wrong=_SHARE),
    "teacher_model_frequency_penalty": Input("number", 0.0, 0.5, 0.5, optional=False, wrong=_PENALTY),
    "teacher_model_presence_penalty": Input("number", 0.0, -0.5, -0.5, optional=False, wrong=_PENALTY),
    "teacher_model_stop": Input("string", None, "[/INST]", ("[/INST]",), wrong=(('["a", 3]', "up to four texts"),)),
    "min_endpoint_success_ratio": Input("number", 0.7, 0.5, 0.5, optional=False, wrong=_SHARE),
    "enable_chain_of_thought": Input("string", "false", "true", True, wrong=_SWITCH),
    "enable_chain_of_density": Input(
        "string",
        "false",
        "true",
        True,
        beside={"data_generation_task_type": "SUMMARIZATION"},
        wrong=(*_SWITCH, ("true", "only for SUMMARIZATION")),
    ),
    "max_len_summary": Input(
        "integer", 80, 30, 30, beside={"data_generation_task_type": "SUMMARIZATION"}, wrong=(*_WHOLE, ("30", "only for SUMMARIZATION"))
    ),
    "data_generation_task_type": Input(
        "string",
        REQUIRED,
        "NLU_QA",
        "NLU_QA",
        optional=False,
        choices=("NLI", "CONVERSATION", "NLU_QA", "MATH", "SUMMARIZATION"),
        wrong=(("MTH", "expected one of NLI, CONVERSATION, NLU_QA, MATH, SUMMARIZATION"),),
    ),
    "num_train_epochs": _count(1, 3, optional=True),
    "per_device_train_batch_size": _count(1, 4, optional=True),
    "learning_rate": Input("number", 3e-4, 2e-5, 2e-5, wrong=(("0", "expected more than 0"), ("fast", "expected a number"))),
    "additional_headers": Input(
        "string", None, '{"x-team": "a", "x-n": 3}', {"x-team": "a", "x-n": "3"}, wrong=(("[1]", "JSON object"), ("{x}", "JSON object"))
    ),
    "debug_mode": Input("boolean", False, True, True, optional=False, wrong=_SWITCH),
    "ensure_ascii": Input("boolean", False, True, True, optional=False, wrong=_SWITCH),
    "max_retry_time_interval": Input("integer", None, 600, 600, wrong=(("-1", "expected at least 0"), ("x", "expected a number"))),
    "initial_worker_count": _count(5, 50),
    "max_worker_count": _count(200, 10),
    "instance_count": _count(1, 2),
    "max_concurrency_per_instance": _count(1, 2),
    "mini_batch_size": Input(
        "string", "100KB", "200KB", 204800, wrong=(("many", 'expected a size such as "100KB"'), ("10", "expected at least 1024"))
    ),
}
SETTING_OF_DEFAULT: dict[str, Any] = {
    # what a default as the component writes it is as a setting, where that is not the same
    "mini_batch_size": 102400,
    "enable_chain_of_thought": False,
    "enable_chain_of_density": False,
    "authentication_type": None,
    "teacher_model_max_new_tokens": None,
}
