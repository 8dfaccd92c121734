"""Settings that cannot work on a cluster, reported before submission."""

from __future__ import annotations

import os

from beam_distill.config.secrets import secret_places
from beam_distill.config.settings import DistillSettings
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.runners.base import RunnerPlan
from transforms.files.paths import is_remote
from transforms.teacher.body_values import variables_of_body
from transforms.teacher.header_values import referenced_variables


def check_runner(settings: DistillSettings, plan: RunnerPlan) -> None:
    """Raise RunRefused naming every local path and every secret that workers could not access."""
    problems = [] if plan.same_machine else [*_local_paths(settings, plan), *_local_secrets(settings, plan)]
    if not plan.embedded and plan.environment != "loopback":
        problems += [
            f"extra_body: {place} is a secret, and remote workers would get it as plain text with the job: write ${{NAME}} instead, a "
            "variable that every worker has"
            for place in secret_places(settings.extra_body)
        ]
    if problems:
        raise RunRefused(ExitCode.WRONG_INPUT, "\n".join(problems))


def notes_on(settings: DistillSettings, plan: RunnerPlan) -> list[str]:
    """Notes before submission about conditions that cannot be checked from here."""
    said = list(plan.notes)
    if not plan.embedded:
        said.insert(0, f"the scoring runs on {plan.where}")
    for variable in _secret_variables(settings) if plan.environment in ("process", "external") else ():
        parent = "the worker pool" if plan.environment == "external" else "the runner's workers"
        said.append(f"the key: {parent} must have the variable {variable} in the environment; this cannot be checked from here")
    return said


def _local_paths(settings: DistillSettings, plan: RunnerPlan) -> list[str]:
    problems = []
    for name, path in (
        ("train_file_path", settings.train_file_path),
        ("validation_file_path", settings.validation_file_path),
        ("decontaminate_against", settings.decontaminate_against),
        *settings.outputs.items(),
        ("work_dir", settings.resolved_work_dir),
        ("api_key_file", settings.api_key_file),
        ("judge_api_key_file", settings.judge_api_key_file),
        ("ca_bundle", settings.ca_bundle),
    ):
        if path is None or is_remote(path) or _is_shared(path, settings.shared_directories or ()):
            continue
        if name in ("api_key_file", "judge_api_key_file", "ca_bundle") and plan.environment == "external":
            continue  # the pool's pod may mount it under this very path
        problems.append(
            f"{name}: {path} is a local path, and the scoring processes run elsewhere ({plan.where}). Put it where all of them "
            "can access it (azfs://, gs://, s3://, hdfs://), or, if every worker mounts that directory under the same path, add "
            f"--shared_directories {os.path.dirname(os.path.abspath(path)) or '/'}"
        )
    return problems


def _is_shared(path: str, directories: tuple[str, ...]) -> bool:
    real = os.path.abspath(path)
    return any(os.path.commonpath([real, os.path.abspath(directory)]) == os.path.abspath(directory) for directory in directories)


def _local_secrets(settings: DistillSettings, plan: RunnerPlan) -> list[str]:
    variables = _secret_variables(settings)
    if variables and plan.environment == "docker":
        name = next((name for name in ("api_key_env", "judge_api_key_env") if getattr(settings, name) is not None), "additional_headers")
        return [
            f"{name}: a container that the runner starts does not get the variable {', '.join(variables)}. Give the key as a file that "
            "workers mount (--api_key_file, --shared_directories), or use --worker_environment external (a worker pool whose own "
            "environment has the variable) or process"
        ]
    return []


def _secret_variables(settings: DistillSettings) -> list[str]:
    """The environment variables that workers take secrets from."""
    keys = [name for name in (settings.api_key_env, settings.judge_api_key_env) if name is not None]
    in_bodies = [name for body in (settings.extra_body, settings.judge_extra_body) for name in variables_of_body(body)]
    return keys + referenced_variables((settings.additional_headers or {}).values()) + in_bodies
