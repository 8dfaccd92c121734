"""Suggestions for unknown names."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

from beam_distill.config.settings import DistillSettings

_ELSEWHERE = {
    "teacher_model_max_new_tokens": "max_tokens max_new_tokens max_completion_tokens max_output_tokens max_length tokens token_limit",
    "generated_batch_train_file_path": "output out output_path output_file output_file_path train_output output_dir outfile",
    "generated_batch_validation_file_path": "validation_output output_validation",
    "train_file_path": "input input_path input_file data dataset train train_file training_data train_path prompts in infile",
    "validation_file_path": "validation validation_file validation_data eval_file_path eval_data test_file_path",
    "teacher_model_endpoint_url": "url base_url api_base endpoint endpoint_url address host server teacher_url openai_base_url teacher_endpoint",
    "teacher_model_temperature": "temperature temp",
    "teacher_model_top_p": "top_p",
    "teacher_model_frequency_penalty": "frequency_penalty",
    "teacher_model_presence_penalty": "presence_penalty",
    "teacher_model_stop": "stop stop_words stop_sequences stop_tokens",
    "data_generation_task_type": "task task_type data_generation_type",
    "model": "model_name teacher teacher_model deployment",
    "max_worker_count": "concurrency max_concurrency max_concurrent_requests num_workers max_workers parallel threads num_threads",
    "initial_worker_count": "request_batch_size batch_size initial_concurrency",
    "max_requests_per_minute": "rpm rate_limit requests_per_minute",
    "max_retry_time_interval": "max_retries retries retry_timeout",
    "max_request_timeout": "timeout request_timeout",
    "enable_chain_of_thought": "cot chain_of_thought",
    "enable_chain_of_density": "cod chain_of_density",
    "max_len_summary": "summary_word_count max_summary_length",
    "min_endpoint_success_ratio": "min_success_ratio success_ratio min_success_rate threshold",
    "additional_headers": "headers header extra_headers default_headers",
    "extra_body": "body extra_params params generation_kwargs sampling_params",
    "system_template": "system_prompt system_message system",
    "user_template": "prompt_template template user_prompt prompt",
    "work_dir": "working_directory workdir ledger cache_dir checkpoint_dir",
    "limit": "max_rows num_rows max_samples num_samples sample_size rows first",
    "student_model": "student model_asset_id",
    "api_key_env": "key_env api_key_variable",
    "debug_mode": "debug verbose",
    "quiet": "silent no_progress",
}
_MEANT = {alias: name for name, aliases in _ELSEWHERE.items() for alias in aliases.split()}
"""Names of our inputs in other tools."""
CLOSE = 0.6
"""The similarity of names that are taken for misspellings, 0 to 1."""


def suggestion(name: str, names: Collection[str], further: Iterable[str] = (), prefix: str = "") -> str:
    """``; did you mean X?``: another tool's name, a boolean with ``no_``, or the nearest name of all."""
    meant = _MEANT.get(name)
    if meant is not None and meant in names:
        return f"; did you mean {prefix}{meant}?"
    positive = name.removeprefix("no_").removeprefix("disable_")
    field = DistillSettings.model_fields.get(positive)
    if positive != name and field is not None and field.annotation is bool:
        return f"; did you mean {prefix}{positive} false?"
    others = {alias: meant for alias, meant in _MEANT.items() if meant in names}
    near = difflib.get_close_matches(name, [*names, *others, *further], n=1, cutoff=CLOSE)
    return f"; did you mean {prefix}{others.get(near[0], near[0])}?" if near else ""


def nearest(name: str, names: Iterable[str], prefix: str = "") -> str:
    """``; did you mean X?`` if there is a similar name."""
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=CLOSE)
    return f"; did you mean {prefix}{near[0]}?" if near else ""
