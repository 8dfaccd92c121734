"""Machines of GitHub and Azure Pipelines, as far as our workflows use them: they run the steps of a rendered file in order.

Scripts really run, in the shell and environment of the service. Actions of ``uses:`` and ``task:`` are implemented here as their documentation
describes them: a checkout copies the repository, a cache and artifacts are folders. An unknown action fails. Processes that a job's scripts
leave running end with the job.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")
_MACRO = re.compile(r"\$\(([\w.]+)\)")
_TAGGED = re.compile(r"^##vso\[build\.addbuildtag\](.+)$", re.MULTILINE)


@dataclass
class Service:
    """What outlives a run: the repository, the caches, the artifacts. ``bin`` has the machine's python and pip."""

    repository: Path
    storage: Path
    bin: Path
    secrets: dict[str, str] = field(default_factory=dict)
    runs: int = 0
    builds: list[RunEnd] = field(default_factory=list)  # of Azure Pipelines, in the order of their ends

    def machine(self, name: str) -> Path:
        """A new empty working folder."""
        folder = self.storage / f"machine-{self.runs}-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def environment(self, extra: dict[str, str]) -> dict[str, str]:
        """Only those variables of the tests' environment that every machine has."""
        home = self.storage / "home"
        home.mkdir(parents=True, exist_ok=True)
        # the network may be off: dependencies and build tools are there already (0 means: no isolation)
        pip = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        return {"PATH": f"{self.bin}:/usr/bin:/bin", "HOME": str(home), "CI": "true", **pip, **extra}


@dataclass
class JobEnd:
    """The end of one job of a run: the exit code of the first failed step (0 if none failed), and what every step printed.
    ``issues``: a step failed that may fail. ``attempt`` starts at 1 and grows with each rerun of the job."""

    exit_code: int = 0
    steps: list[str] = field(default_factory=list)
    output: str = ""
    issues: bool = False
    attempt: int = 1


@dataclass
class RunEnd:
    """The end of a run: its jobs in order (without those that were not started) and the folder of its artifacts."""

    jobs: dict[str, JobEnd]
    artifacts: Path
    tags: set[str] = field(default_factory=set)

    @property
    def exit_code(self) -> int:
        """The run's result."""
        return next((job.exit_code for job in self.jobs.values() if job.exit_code), 0)

    @property
    def result(self) -> str:
        """The run's result as Azure Pipelines names it."""
        if self.exit_code:
            return "failed"
        return "partiallySucceeded" if any(job.issues for job in self.jobs.values()) else "succeeded"


class Shell:
    """Runs the scripts of one job; on exit it ends every process that they left running."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        self._folder = folder
        self._command = command
        self._groups: list[int] = []

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_: object) -> None:
        for group in self._groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)

    def run(self, text: str, environment: dict[str, str]) -> tuple[int, str]:
        """A script's exit code and output."""
        path = self._folder.parent / f"{self._folder.name}.sh"
        path.write_text(text, encoding="utf-8")
        process = subprocess.Popen(
            [*self._command, str(path)],
            cwd=self._folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._groups.append(process.pid)
        printed, _ = process.communicate()
        return process.returncode, f"$ {text.strip()}\n{printed}"


def run_github(
    service: Service, workflow: Path, inputs: dict[str, str] | None = None, only: str | None = None, again: RunEnd | None = None
) -> RunEnd:
    """Start a workflow as a person (or, without ``inputs``, a push) would; ``only`` runs a single job of it. ``again`` is "Re-run failed jobs"
    of the service's last run."""
    service.runs += again is None
    fields = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    triggers = fields[True]  # YAML 1.1 reads the key `on` so
    declared = (triggers.get("workflow_dispatch") or {}).get("inputs", {})
    values = {f"inputs.{name}": str(item.get("default", "")) for name, item in declared.items()}
    assert set(inputs or {}) <= set(declared)
    values |= {f"inputs.{name}": value for name, value in (inputs or {}).items()}
    values |= {f"secrets.{name}": value for name, value in service.secrets.items()}
    attempt = max(job.attempt for job in again.jobs.values()) + 1 if again else 1
    values |= {"github.run_id": str(service.runs), "github.run_attempt": str(attempt)}
    values |= {"vars.AZURE_CLIENT_ID": "c", "vars.AZURE_TENANT_ID": "t"}

    def filled(text: Any) -> str:
        return _EXPRESSION.sub(lambda match: values.get(match[1], ""), _text(text))

    end = again or RunEnd({}, service.storage / f"artifacts-{service.runs}")
    for name, job in fields["jobs"].items():
        if only not in (None, name) or (name in end.jobs and not end.jobs[name].exit_code):
            continue
        needs = job.get("needs", [])
        if only is None and any(end.jobs[other].exit_code for other in ([needs] if isinstance(needs, str) else needs)):
            continue
        folder = service.machine(name)
        environment = {key: filled(value) for key, value in {**fields.get("env", {}), **job.get("env", {})}.items()}
        end.jobs[name] = ended = JobEnd(attempt=attempt)
        with Shell(folder, ["bash", "-e"]) as shell:
            for step in job["steps"]:
                if ended.exit_code and step.get("if") != "always()":
                    continue
                ended.steps.append(step.get("name") or step.get("uses", ""))
                own = {key: filled(value) for key, value in step.get("env", {}).items()}
                if "run" in step:
                    code, printed = shell.run(filled(step["run"]), service.environment(environment | own))
                else:
                    options = {key: filled(value) for key, value in step.get("with", {}).items()}
                    code, printed = _ACTIONS[step["uses"].partition("@")[0]](service, folder, options, end.artifacts), ""
                ended.output += printed
                ended.exit_code = ended.exit_code or code
    return end


def run_azure(service: Service, pipeline: Path, parameters: dict[str, str] | None = None, again: RunEnd | None = None) -> RunEnd:
    """Start a pipeline as a person would. ``service.secrets`` is the variable group. ``again`` is "Rerun failed jobs" of that run: only
    failed jobs make another attempt in the same run."""
    service.runs += 1
    fields = yaml.safe_load(pipeline.read_text(encoding="utf-8"))
    declared = {item["name"]: str(item.get("default", "")) for item in fields["parameters"]}
    assert set(parameters or {}) <= set(declared)
    chosen = {f"parameters.{name}": value for name, value in (declared | (parameters or {})).items()}
    variables = {
        item["name"]: _EXPRESSION.sub(lambda match: chosen[match[1]], _text(item["value"])) for item in fields["variables"] if "name" in item
    }
    end = again or RunEnd({}, service.storage / f"artifacts-{service.runs}")
    # a running one is not among those that ended
    service.builds = [build for build in service.builds if build is not end]
    for job in fields["jobs"]:
        earlier = end.jobs.get(job["job"])
        if (earlier and not earlier.exit_code) or (job.get("dependsOn") and end.jobs[job["dependsOn"]].exit_code):
            continue
        folder = service.machine(job["job"])
        places = {name: folder.parent / f"{folder.name}-{name}" for name in ("staging", "temp")}
        for place in places.values():
            place.mkdir()
        end.jobs[job["job"]] = ended = JobEnd(attempt=earlier.attempt + 1 if earlier else 1)
        macros = {"Build.ArtifactStagingDirectory": str(places["staging"]), "Agent.TempDirectory": str(places["temp"])}
        macros |= {"System.TeamProjectId": "project", "System.DefinitionId": "7", "System.JobAttempt": str(ended.attempt)}
        macros |= variables | service.secrets
        with Shell(folder, ["bash", "--noprofile", "--norc"]) as shell:
            for step in job["steps"]:
                if not _due(step.get("condition"), ended):
                    continue
                ended.steps.append(step.get("displayName") or next(iter(step)))
                code, printed = _azure_step(service, folder, step, shell, macros, variables, end)
                ended.output += printed
                end.tags.update(_TAGGED.findall(printed))
                if code and step.get("continueOnError"):
                    ended.issues = True
                else:
                    ended.exit_code = ended.exit_code or code
    service.builds.append(end)
    return end


def _due(condition: str | None, job: JobEnd) -> bool:
    further = "and(succeeded(), gt(variables['System.JobAttempt'], 1))"
    assert condition in (None, "always()", further), condition
    return condition == "always()" or (not job.exit_code and (condition != further or job.attempt > 1))


def _azure_step(
    service: Service,
    folder: Path,
    step: dict[str, Any],
    shell: Shell,
    macros: dict[str, str],
    variables: dict[str, str],
    build: RunEnd,
) -> tuple[int, str]:
    def filled(text: Any) -> str:
        return _MACRO.sub(lambda match: macros.get(match[1], match[0]), _text(text))

    own = {key: filled(value) for key, value in step.get("env", {}).items()}
    if "checkout" in step:
        shutil.copytree(service.repository, folder, dirs_exist_ok=True)
        return 0, ""
    if "publish" in step:
        target = build.artifacts / filled(step["artifact"])
        if target.exists():
            return 1, f"Artifact {target.name} already exists for this build\n"
        return _keep(folder / filled(step["publish"]), target), ""
    inputs = {key: filled(value) for key, value in step.get("inputs", {}).items()}
    script = step.get("bash")
    if step.get("task") == "AzureCLI@2":
        assert (inputs["scriptType"], inputs["scriptLocation"]) == ("bash", "inlineScript")
        assert inputs["azureSubscription"]
        script = inputs["inlineScript"]
    if script is not None:
        known = {"AGENT_TEMPDIRECTORY": macros["Agent.TempDirectory"]}
        return shell.run(filled(script), service.environment(known | variables | own))
    if step.get("task") == "DownloadPipelineArtifact@2":
        return _download(service, folder, inputs, build)
    assert step.get("task") == "UsePythonVersion@0", step
    return 0, ""


def _download(service: Service, folder: Path, inputs: dict[str, str], build: RunEnd) -> tuple[int, str]:
    """As the agent does: the build that ended last, of those with an allowed result and all the tags. Only then are its artifacts checked.
    Without a name, each matching artifact gets a folder of its name."""
    if inputs["buildType"] == "specific":
        assert inputs["buildVersionToDownload"] == "latest"
        allowed = {"succeeded"}
        allowed |= {"partiallySucceeded"} if inputs.get("allowPartiallySucceededBuilds") == "true" else set()
        allowed |= {"failed"} if inputs.get("allowFailedBuilds") == "true" else set()
        tags = set(filter(None, inputs.get("tags", "").split(",")))
        found = [ended for ended in service.builds if ended.result in allowed and tags <= ended.tags]
        if not found:
            return 1, "no build with an allowed result and these tags\n"
        build = found[-1]
    name, target = inputs.get("artifactName"), folder / inputs["targetPath"]
    if name is not None:
        if not (build.artifacts / name).exists():
            return 1, f"Artifact {name} was not found\n"
        shutil.copytree(build.artifacts / name, target, dirs_exist_ok=True)
        return 0, ""
    pattern = inputs["itemPattern"]
    assert pattern.endswith("/**"), pattern
    assert pattern.count("/") == 1, pattern
    for artifact in build.artifacts.glob("*"):
        if fnmatch.fnmatchcase(artifact.name, pattern.removesuffix("/**")):
            shutil.copytree(artifact, target / artifact.name, dirs_exist_ok=True)
    return 0, ""


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _keep(source: Path, target: Path) -> int:
    if not source.exists():
        return 1
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    return 0


def _checkout(service: Service, folder: Path, options: dict[str, str], artifacts: Path) -> int:
    shutil.copytree(service.repository, folder, dirs_exist_ok=True)
    return 0


def _nothing(service: Service, folder: Path, options: dict[str, str], artifacts: Path) -> int:
    return 0


def _restore(service: Service, folder: Path, options: dict[str, str], artifacts: Path) -> int:
    prefixes = (options["key"], *options.get("restore-keys", "").split())
    kept = sorted((service.storage / "caches").glob("*"), key=os.path.getmtime, reverse=True)
    for prefix in prefixes:
        for entry in kept:
            if entry.name.startswith(prefix):
                shutil.copytree(entry, folder / options["path"], dirs_exist_ok=True)
                return 0
    return 0


def _save(service: Service, folder: Path, options: dict[str, str], artifacts: Path) -> int:
    if (folder / options["path"]).exists():
        shutil.copytree(folder / options["path"], service.storage / "caches" / options["key"])
    return 0


def _upload(service: Service, folder: Path, options: dict[str, str], artifacts: Path) -> int:
    found = [folder / line for line in options["path"].split("\n") if line.strip() and (folder / line.strip()).exists()]
    if (artifacts / options["name"]).exists() and options.get("overwrite") != "true":
        return 1  # an artifact of a run is never overwritten
    for path in found:
        _keep(path, artifacts / options["name"] / (path.name if path.is_dir() else ""))
    return 0 if found or options.get("if-no-files-found", "warn") != "error" else 1


_ACTIONS: dict[str, Callable[[Service, Path, dict[str, str], Path], int]] = {
    "actions/checkout": _checkout,
    "actions/setup-python": _nothing,
    "azure/login": _nothing,
    "actions/cache/restore": _restore,
    "actions/cache/save": _save,
    "actions/upload-artifact": _upload,
}
