"""The targets that a job can be rendered for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from beam_distill.config.component import COMPONENT_INPUTS, COMPONENT_OUTPUTS
from beam_distill.config.settings import DistillSettings
from beam_distill.config.sources import ResolvedSettings
from beam_distill.deployment.azureml import Carried, carry, values_of
from beam_distill.deployment.job_facts import component_values
from beam_distill.deployment.quoting import BREAKING
from transforms.files.paths import is_remote


@dataclass(frozen=True, slots=True)
class Target:
    """``files`` are the templates without ``.j2``; ``next_step`` tells the user what to do with them ({folder} is their folder).

    ``objection`` describes settings that this target does not support, or None. ``headers``: its workers can get the variables that
    ``additional_headers`` name. ``of_job`` returns default values from the job's own inputs; ``carry`` returns the job's other settings for a
    target with its own inputs.
    """

    name: str
    what: str
    files: tuple[str, ...]
    next_step: str
    objection: Callable[[DistillSettings], str | None] = lambda settings: None
    headers: bool = True
    of_job: Callable[[DistillSettings], dict[str, Any]] = lambda settings: {}
    carry: Callable[[ResolvedSettings, dict[str, Any]], Carried] | None = None

    def next_for(self, folder: str, package: str = ".") -> str:
        """The user's next step with the files in ``folder``, which install ``package``."""
        return self.next_step.format(folder=folder, package=package)


def _ci(settings: DistillSettings) -> str | None:
    for name in ("api_key_file", "judge_api_key_file"):
        path = getattr(settings, name)
        if path is not None:
            variable = name.replace("file", "env")
            return f"{name}: the file {path} is not on a CI machine; name the secret instead: --set {name}= --set {variable}=NAME"
    for name in (*COMPONENT_OUTPUTS, "work_dir"):
        path = getattr(settings, name) or ""
        if BREAKING.search(path) or path != path.strip():
            return (
                f"{name}: {path!r} contains a line break or begins or ends with a space, which a list of paths cannot contain; use another name"
            )
    return None


_MACRO = re.compile(r"\$\([A-Za-z_][\w.-]*\)|^\$\[")


def _azure_pipelines(settings: DistillSettings) -> str | None:
    for name, value in settings.public_view().items():
        if isinstance(value, str) and _MACRO.search(value):
            return f"{name}: {value!r} contains an expression that Azure Pipelines would fill in; write it another way"
    return _ci(settings)


def _kubernetes(settings: DistillSettings) -> str | None:
    shared = settings.shared_directories or ()
    for name in ("train_file_path", "validation_file_path", *COMPONENT_OUTPUTS, "work_dir"):
        path = settings.resolved_work_dir if name == "work_dir" else getattr(settings, name)
        if path is not None and not is_remote(path) and not any(path.startswith(directory.rstrip("/") + "/") for directory in shared):
            return (
                f"{name}: {path} is not on a filesystem that pods can access. Use azfs:// (or another remote filesystem), or a path below a "
                "directory that the volume claim is mounted at, named with --set shared_directories=/data"
            )
    if settings.judge_api_key_file is not None:
        return "judge_api_key_file: pods get the judge's key as a variable; --set judge_api_key_file= --set judge_api_key_env=NAME"
    if len(shared) > 1:
        return "shared_directories: one claim is mounted at one directory; name one"
    return None


def _azureml(settings: DistillSettings) -> str | None:
    if settings.has_judge:
        return "checks: judge: the component has the original's inputs, without a judge; run the job elsewhere, or in your own job"
    if settings.api_key_env is not None or settings.api_key_file is not None:
        return (
            "api_key_env, api_key_file: the component has the original's inputs, without key references. Give connection_name "
            "(a workspace connection has the key) or authentication_type managed_identity"
        )
    for name, value in component_values(settings.public_view(), frozenset(COMPONENT_INPUTS)).items():
        if isinstance(value, str) and "'" in value:
            return f"{name}: contains an apostrophe, which the component's command line cannot contain; give it in your own job"
    return None


def _master(settings: DistillSettings) -> dict[str, Any]:
    return {} if settings.master is None else {"master": settings.master}


_PACKAGE = (
    "it installs beam-distill by `pip install {package}` (`.` is the repository itself, which then must be a clone or fork of beam-distill's; "
    "--set package=git+https://... names another source)"
)
_JAR = "{folder}/submit.sh"
TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target(
            "flink-kubernetes",
            "a FlinkDeployment of the Flink Kubernetes operator, worker pools next to the TaskManagers",
            ("access.yaml", "job-config.yaml", "flinkdeployment.yaml", "verdict-job.yaml", "submit.sh"),
            _JAR,
            _kubernetes,
        ),
        Target(
            "spark-kubernetes",
            "a SparkApplication of the Spark operator, worker pools next to the executors",
            ("access.yaml", "job-config.yaml", "sparkapplication.yaml", "verdict-job.yaml", "submit.sh"),
            _JAR,
            _kubernetes,
        ),
        Target("spark-submit", "a script: portable jar, spark-submit, verdict", ("submit.sh",), _JAR, of_job=_master),
        Target("flink-rest", "a script: portable jar, Flink's REST interface, verdict", ("submit.sh",), _JAR, of_job=_master),
        Target(
            "github-actions",
            "a GitHub workflow to start by hand",
            ("distill.yml",),
            "commit {folder}/distill.yml, in .github/workflows of your repository, and start it in the Actions tab; " + _PACKAGE,
            _ci,
        ),
        Target(
            "azure-pipelines",
            "an Azure pipeline to start by hand",
            ("azure-pipelines.yml",),
            "make a pipeline of {folder}/azure-pipelines.yml in your project; " + _PACKAGE,
            _azure_pipelines,
        ),
        Target(
            "azureml",
            "an Azure ML component with the original's inputs, alone and as a pipeline component, and a job that uses it",
            ("component.yaml", "pipeline.yaml", "job.yaml"),
            "az ml job create --file {folder}/job.yaml",
            _azureml,
            headers=False,
            of_job=values_of,
            carry=carry,
        ),
    )
}
