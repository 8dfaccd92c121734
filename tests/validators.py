"""The real readers of rendered files: each returns its complaints, or nothing."""

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from builders import ROOT

BIN = Path(sys.executable).parent
CRD_OF = {
    "FlinkDeployment": "flinkdeployments.flink.apache.org-v1.yml",
    "SparkApplication": "sparkoperator.k8s.io_sparkapplications.yaml",
}


def crd_folder() -> Path | None:
    """Where the operators' own definitions are: DISTILL_TEST_SCHEMAS, or shared/schemas beside the repository; None when they are not."""
    folder = Path(os.environ.get("DISTILL_TEST_SCHEMAS") or ROOT.parent / "shared" / "schemas")
    return folder if folder.is_dir() else None


def objections(path: Path) -> list[str]:
    """What the readers of this file say against it."""
    if path.suffix == ".sh":
        ended = subprocess.run([BIN / "shellcheck", path], capture_output=True, text=True)
        return [] if ended.returncode == 0 else [ended.stdout + ended.stderr]
    documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    if path.name == "distill.yml":
        return github_objections(path)
    if path.name == "azure-pipelines.yml":
        # the schema's patterns are those of JavaScript without its unicode mode: the other reading refuses the schema itself on Python 3.10
        return _of_check_jsonschema("--regex-variant", "nonunicode", "--builtin-schema", "vendor.azure-pipelines", path)
    if path.name in ("component.yaml", "pipeline.yaml"):
        return _of_azureml("load_component", path)
    if path.name == "job.yaml":
        return _of_azureml("load_job", path)
    return [text for document in documents for text in _of_kubernetes(document)]


def github_objections(path: Path) -> list[str]:
    """The complaints of GitHub's schema of workflows about a file."""
    return _of_check_jsonschema("--builtin-schema", "vendor.github-workflows", path)


def _of_check_jsonschema(*words: str | Path) -> list[str]:
    """The program in this process: it takes ten times as long to start as to check a file."""
    from check_jsonschema import main
    from click.testing import CliRunner

    ended = CliRunner().invoke(main, [*map(str, words)])
    return [] if ended.exit_code == 0 else [ended.output or repr(ended.exception)]


def _of_azureml(loader: str, path: Path) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK's about itself
        import azure.ai.ml as sdk

        try:
            found = getattr(sdk, loader)(str(path))._validate()
        except Exception as error:  # noqa: BLE001 - every way it says no
            return [str(error)]
    return [f"{place}: {text}" for place, text in found.error_messages.items()]


def _of_kubernetes(document: dict[str, Any]) -> list[str]:
    import kubernetes_validate

    found = []
    for resource in [document] if document["kind"] not in CRD_OF else [*_pods_of(document)]:
        try:
            kubernetes_validate.validate(resource, kubernetes_validate.latest_version(), strict=True)
        except Exception as error:  # noqa: BLE001 - every way it says no
            found.append(f"{resource['kind']} {error}")
        found += _mounts_without_volume(resource)
    if document["kind"] in CRD_OF and (folder := crd_folder()) is not None:
        found += _of_crd(document, folder / CRD_OF[document["kind"]])
    return found


def _pods_of(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The pods that an operator makes of a document, as plain Kubernetes sees them."""
    spec = document["spec"]
    metadata = {"name": "pod"}
    if document["kind"] == "FlinkDeployment":
        of_both = spec["podTemplate"]["spec"]
        for part in (spec["jobManager"]["podTemplate"]["spec"], spec["taskManager"]["podTemplate"]["spec"]):
            merged = {**of_both, **part, "volumes": [*of_both.get("volumes", []), *part.get("volumes", [])]}
            by_name = {container["name"]: container for container in of_both.get("containers", [])}
            for container in part.get("containers", []):
                by_name[container["name"]] = {**by_name.get(container["name"], {}), **container}
            merged["containers"] = list(by_name.values())
            yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": merged}
        return
    for part in (spec["driver"], spec["executor"]):
        containers = [{"name": "spark", "image": spec["image"], "volumeMounts": part["volumeMounts"]}, *part.get("sidecars", [])]
        # the operator gives a pod those volumes that its Spark container mounts; what only init containers and sidecars mount it leaves out
        mounted = {mount["name"] for mount in part["volumeMounts"]}
        volumes = [volume for volume in spec["volumes"] if volume["name"] in mounted]
        pod = {"containers": containers, "initContainers": part["initContainers"], "volumes": volumes}
        pod |= {"nodeSelector": part["nodeSelector"]} if "nodeSelector" in part else {}
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}


def _mounts_without_volume(resource: dict[str, Any]) -> list[str]:
    """What an API server says of a pod whose containers mount a volume that it does not have."""
    spec = resource.get("spec", {})
    pod = spec if resource["kind"] == "Pod" else spec.get("template", {}).get("spec", {})
    there = {volume["name"] for volume in pod.get("volumes", [])}
    return [
        f"{container['name']}: volumeMounts.name: Not found: {mount['name']}"
        for container in (*pod.get("initContainers", []), *pod.get("containers", []))
        for mount in container.get("volumeMounts", [])
        if mount["name"] not in there
    ]


def _of_crd(document: dict[str, Any], path: Path) -> list[str]:
    import jsonschema

    schema = _schema_of(path, document["apiVersion"].rpartition("/")[2])
    return [f"{error.json_path}: {error.message[:500]}" for error in jsonschema.Draft202012Validator(schema).iter_errors(document)]


@lru_cache
def _schema_of(path: Path, version: str) -> dict[str, Any]:
    # the parser in C: these files are long
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    versions = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)["spec"]["versions"]  # noqa: S506
    schema: dict[str, Any]
    (schema,) = [item["schema"]["openAPIV3Schema"] for item in versions if item["name"] == version]
    schema["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {}}
    _refuse_unknown_fields(schema)
    return schema


def _refuse_unknown_fields(node: Any) -> None:
    """A cluster drops fields that a definition does not name, and a misspelt one with them; here they are errors."""
    if isinstance(node, dict):
        if "properties" in node and not node.get("x-kubernetes-preserve-unknown-fields"):
            node.setdefault("additionalProperties", False)
        if node.get("x-kubernetes-int-or-string"):
            node.pop("type", None)
        for part in node.values():
            _refuse_unknown_fields(part)
    elif isinstance(node, list):
        for part in node:
            _refuse_unknown_fields(part)
