"""Contradictions between inputs, and warnings about valid but probably unintended ones."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import combinations
from typing import Any

from beam_distill.config.judge import judge_contradictions
from beam_distill.config.settings import DEFAULT_MAX_LEN_SUMMARY, DistillSettings, as_judge, declared_models, each_teacher
from transforms.acceptance.spec import wrong_settings
from transforms.elements.judge_settings import with_judges_settings
from transforms.elements.tasks import CONDENSED, DEFAULT_MAX_NEW_TOKENS, REASONED, named
from transforms.files.paths import real
from transforms.teacher.kinds.registry import KINDS, EndpointKind, kind_of

_PRICES_OF_ALL = ("price_per_million_input_tokens", "price_per_million_output_tokens")
NARROW_TOP_P = 0.2
"""Only the likeliest tokens are left, so that the temperature hardly matters; 0.1 is the component's default."""
OTHER_FORMATS = (".parquet", ".pq", ".csv", ".tsv", ".zip", ".json", ".arrow", ".avro", ".txt", ".xlsx", ".tar")


def contradictions(settings: DistillSettings, given: Mapping[str, str]) -> list[str]:
    """The contradictions between inputs; ``given`` has the names that were set, with their origins."""
    problems: list[str] = []
    task = settings.data_generation_task_type
    if settings.enable_chain_of_thought and not task.reasons_step_by_step:
        problems.append(f"enable_chain_of_thought: not for {task.value}; it is for {named(REASONED)}")
    if settings.enable_chain_of_density and not task.condenses:
        problems.append(f"enable_chain_of_density: only for {named(CONDENSED)}, not for {task.value}")
    if settings.max_len_summary != DEFAULT_MAX_LEN_SUMMARY and not task.condenses:
        problems.append(f"max_len_summary: only for {named(CONDENSED)}, not for {task.value}; leave it out, or at {DEFAULT_MAX_LEN_SUMMARY}")
    problems.extend(missing_endpoint(settings.model_dump()))
    if settings.validation_file_path and not settings.generated_batch_validation_file_path:
        problems.append("generated_batch_validation_file_path: missing; validation_file_path is given, so say where its dataset goes")
    if settings.share_identical_answers and settings.teacher_model_temperature != 0:
        problems.append(
            "share_identical_answers: needs teacher_model_temperature 0; above it the teacher would answer each of the rows differently"
        )
    missing = [name for name in _PRICES_OF_ALL if getattr(settings, name) is None]
    if settings.max_cost is not None and missing:
        problems.append(
            f"max_cost: needs {' and '.join(missing)}, in the same currency; give 0 for tokens that cost nothing. Without prices, "
            "max_total_tokens and max_requests limit a job"
        )
    problems.extend(wrong_settings(settings.model_dump(mode="json")))
    problems.extend(judge_contradictions(settings.model_dump(mode="json")))
    problems.extend(_column_contradictions(settings))
    problems.extend(_double_contradictions(settings))
    problems.extend(_pair_contradictions(settings))
    problems.extend(pool_contradictions(settings))
    for number, alone in enumerate(each_teacher(settings), start=1):
        problems.extend(f"teachers, entry {number}, {found}" if settings.teachers else found for found in _access_contradictions(alone))
    if settings.has_judge:
        problems.extend(with_judges_settings(found) for found in _access_contradictions(as_judge(settings)))
    problems.extend(_path_contradictions(settings))
    return problems


def missing_endpoint(values: Mapping[str, Any]) -> list[str]:
    """The message when nothing names the teacher."""
    if any(values.get(name) for name in ("teacher_model_endpoint_url", "teacher_model_endpoint_name", "connection_name", "teachers")):
        return []
    return [
        "teacher_model_endpoint_url: missing; give the teacher's address, e.g. http://127.0.0.1:8000/v1 "
        "(or teacher_model_endpoint_name, connection_name, or teachers for several)"
    ]


def _column_contradictions(settings: DistillSettings) -> list[str]:
    if settings.user_template is not None and settings.messages_column is not None:
        return ["user_template, messages_column: a row's chat comes from one or the other; keep one"]
    if settings.system_template is not None and settings.user_template is None:
        return ["system_template: goes with user_template, which is missing"]
    return []


def _double_contradictions(settings: DistillSettings) -> list[str]:
    problems = []
    if settings.drop_leaks and settings.validation_file_path is None:
        problems.append("drop_leaks: needs validation_file_path, whose rows the rows to train on are compared with")
    if settings.decontaminate_template is not None and settings.decontaminate_against is None:
        problems.append("decontaminate_template: goes with decontaminate_against, which is missing")
    return problems


def _access_contradictions(settings: DistillSettings) -> list[str]:
    references = [name for name in ("api_key_env", "api_key_file") if getattr(settings, name) is not None]
    kind = None if settings.authentication_by_default else settings.authentication_type
    if len(references) == 2:
        return ["api_key_env, api_key_file: both are given; keep one"]
    if kind == "api_key" and not references:
        return ["authentication_type: api_key needs --api_key_env NAME or --api_key_file PATH"]
    if references and kind not in (None, "api_key"):
        return [f"{references[0]}: a key reference contradicts authentication_type {kind}; drop one of them"]
    if references and settings.connection_name is not None:
        return [f"{references[0]}: a key reference contradicts connection_name; drop one of them"]
    if kind is not None and kind != "azureml_workspace_connection" and settings.connection_name is not None:
        return [f"connection_name: contradicts authentication_type {kind}; drop one of them"]
    if kind == "managed_identity" and not (settings.teacher_model_endpoint_url or settings.teacher_model_endpoint_name):
        return ["authentication_type: managed_identity needs teacher_model_endpoint_url or teacher_model_endpoint_name"]
    return []


def _path_contradictions(settings: DistillSettings) -> list[str]:
    def same(first: str | None, second: str | None) -> bool:
        return first is not None and second is not None and real(first) == real(second)

    problems = []
    for output, path in settings.outputs.items():
        for source in ("train_file_path", "validation_file_path"):
            if same(path, getattr(settings, source)):
                problems.append(f"{output}: is the same file as {source}; the input would be lost. Name another output")
    for (first, path), (second, other) in combinations(settings.outputs.items(), 2):
        if same(path, other):
            problems.append(f"{second}: is the same file as {first}; name another")
    return problems


def _pair_contradictions(settings: DistillSettings) -> list[str]:
    problems = []
    named = [name for name in ("preference_train_file_path", "preference_validation_file_path") if name in settings.outputs]
    if named and settings.samples == 1:
        problems.append(f"{named[0]}: a pair needs two answers to a row, and samples is 1; raise it, for example to 4")
    if named and not settings.checks:
        problems.append(f"{named[0]}: a pair needs an answer that a check refused, and checks names none; add one, such as label or vote")
    if settings.preference_validation_file_path is not None and settings.validation_file_path is None:
        problems.append("preference_validation_file_path: needs validation_file_path, from whose rows its pairs are")
    return problems


def _advice_on_samples(settings: DistillSettings) -> list[str]:
    if settings.samples == 1:
        return []
    alike = "so the samples of a row are mostly the same answer, paid for each time"
    warnings = []
    if settings.teacher_model_temperature == 0:
        warnings.append(f"samples: the temperature is 0, {alike}; raise teacher_model_temperature, for example to 0.7")
    elif settings.teacher_model_top_p is not None and settings.teacher_model_top_p <= NARROW_TOP_P:
        warnings.append(f"samples: top_p is {settings.teacher_model_top_p:g}, {alike}; raise teacher_model_top_p, for example to 0.95")
    if "seed" in (settings.extra_body or {}):
        warnings.append(f"samples: extra_body has a fixed seed, {alike}; leave it out")
    return warnings


def advice(settings: DistillSettings, given: Mapping[str, str]) -> list[str]:
    """Warnings about valid but probably unintended inputs."""
    warnings = [*_advice_on_length(settings), *_advice_on_samples(settings), *_advice_on_access(settings), *_advice_on_outputs(settings)]
    for step in ("pipeline_validation", "data_generation", "data_import", "finetune"):
        compute = getattr(settings, f"compute_{step}")
        name = f"instance_type_{step}"
        if name in given and compute != "serverless" and getattr(settings, name) != DistillSettings.model_fields[name].default:
            warnings.append(f"instance_type_{step} is ignored: compute_{step} is {compute}, not serverless")
    if "initial_worker_count" in given and settings.initial_worker_count > settings.max_worker_count:
        warnings.append(
            f"initial_worker_count ({given['initial_worker_count']}) is {settings.initial_worker_count}, more than max_worker_count, which "
            f"wins: the search begins at {settings.max_worker_count} requests at a time. Raise max_worker_count if the endpoint allows more "
            "(job files call the first request_batch_size)"
        )
    prices = {"input": settings.price_per_million_input_tokens, "output": settings.price_per_million_output_tokens}
    reported = [kind for kind, price in prices.items() if price is not None]
    if len(reported) == 1:
        (missing,) = set(prices) - set(reported)
        warnings.append(
            f"price_per_million_{missing}_tokens is not given: cost is shown for {reported[0]} tokens only; "
            f"give 0 if {missing} tokens cost nothing"
        )
    if settings.log_prompts and not settings.debug_mode:
        warnings.append("log_prompts has no effect without debug_mode")
    return warnings


def _advice_on_outputs(settings: DistillSettings) -> list[str]:
    """Warnings about names with another format's suffix."""
    warnings = []
    for name, output in settings.outputs.items():
        path = output.lower()
        bare = path.removesuffix(".gz").removesuffix(".zst").removesuffix(".bz2").removesuffix(".xz")
        parquet = settings.output_format == "parquet" or (settings.output_format is None and path.endswith((".parquet", ".pq")))
        if (not parquet and bare.endswith(OTHER_FORMATS)) or (parquet and path and not path.endswith((".parquet", ".pq"))):
            written = "Parquet" if parquet else "JSON lines"
            warnings.append(f"{name}: {os.path.basename(path)} will hold {written}, which its suffix does not say; .jsonl and .parquet do")
    return warnings


def _advice_on_length(settings: DistillSettings) -> list[str]:
    limit, task = settings.teacher_model_max_new_tokens, settings.data_generation_task_type
    warnings = []
    if limit is None and task.default_max_new_tokens == DEFAULT_MAX_NEW_TOKENS:
        why = "step-by-step reasoning" if settings.enable_chain_of_thought else "a reasoning teacher or a long answer"
        warnings.append(
            f"teacher_model_max_new_tokens is unset: answers end after {DEFAULT_MAX_NEW_TOKENS} tokens, which is too little for {why}; "
            "cut-off answers are paid for and become rejects. Set it, e.g. to 1024"
        )
    if limit == DEFAULT_MAX_NEW_TOKENS and settings.enable_chain_of_thought:
        warnings.append(
            f"teacher_model_max_new_tokens is {limit}, which is too little for step-by-step reasoning; cut-off answers are paid for and become "
            "rejects. Set it, e.g. to 1024"
        )
    if limit is not None and limit != settings.effective_max_new_tokens:
        warnings.append(
            f"teacher_model_max_new_tokens is {limit}, the component's default, which means {settings.effective_max_new_tokens} for "
            f"{task.value} there and here; give {limit - 1} or {limit + 1} for a limit of about {limit}"
        )
    if task.condenses and not settings.enable_chain_of_density and settings.max_len_summary != DEFAULT_MAX_LEN_SUMMARY:
        warnings.append("max_len_summary has no effect without enable_chain_of_density: the rows' own prompts say how long a summary is")
    return warnings


def _advice_on_access(settings: DistillSettings) -> list[str]:
    access = settings.resolved_authentication
    warnings = []
    if settings.authentication_by_default and access.kind == "none":
        warnings.append(
            "authentication_type azureml_workspace_connection has no effect without a connection_name: requests carry no credential. Name the "
            "connection, or the key's place with api_key_env or api_key_file, if the endpoint wants one"
        )
    if settings.teacher_model_endpoint_name is not None and settings.endpoint_to_look_up is None:
        warnings.append(
            "teacher_model_endpoint_name is not used, because there is nothing to look up: teacher_model_endpoint_url is given, and "
            f"{access.reason}"
        )
    if access.kind != "none":
        both = [name for name in settings.additional_headers or {} if name.lower() in ("authorization", "api-key")]
        warnings += [f"additional_headers: {name} is replaced where the credential sends one of its own ({access.reason})" for name in both]
    if settings.teacher_model_asset_id is not None and settings.endpoint_to_look_up is None and _is_plain(settings):
        warnings.append(
            "teacher_model_asset_id has no effect: what is deployed can be read from Azure's endpoints only, by teacher_model_endpoint_name "
            "or at an address of Azure's (endpoint_kind says so where the host's name does not)"
        )
    return warnings


def _is_plain(settings: DistillSettings) -> bool:
    address = settings.teacher_model_endpoint_url
    if address is None:
        return False
    kinds = (kind_of(address), EndpointKind(settings.endpoint_kind or kind_of(address)))
    return not any(KINDS[kind].is_azure for kind in kinds)


def pool_contradictions(settings: DistillSettings) -> list[str]:
    """The contradictions between the list and the other inputs."""
    if settings.teachers is None:
        return []
    problems = [
        f"teachers, {name}: both name the teacher; keep one"
        for name in ("teacher_model_endpoint_url", "teacher_model_endpoint_name", "connection_name")
        if getattr(settings, name) is not None
    ]
    if all(entry.overflow for entry in settings.teachers):
        problems.append("teachers: every entry is an overflow; leave overflow out of at least one")
    names = [entry.name for entry in settings.teachers if entry.name is not None]
    problems += [f"teachers: two entries are called {name}; name them apart" for name in dict.fromkeys(names) if names.count(name) > 1]
    models = declared_models(settings)
    if len(models) > 1 and not settings.teachers_may_differ:
        problems.append(
            f"teachers: the models differ ({', '.join(models)}), and a dataset should come from one teacher. If these are deployments of "
            "one model, give them as deployment and the model's name as model; otherwise teachers_may_differ allows it"
        )
    return problems
