"""The real readers accept every rendered file, and refuse those of a broken template."""

from pathlib import Path

import jinja2
import pytest
import yaml
from rendering import broken_templates, config_for, rendered
from validators import crd_folder, objections

from beam_distill.deployment.targets import TARGETS

VARIANTS: dict[str, tuple[str, ...]] = {
    "default": (),
    "own machines": ("compute_data_generation=pool-a", "compute_pipeline_validation=pool-b"),
    "instance type": ("instance_type_data_generation=Standard_D8as_v5",),
}
KUBERNETES_ON_AZURE = (
    "workload_identity_client_id=11111111-2222",
    "storage_secret=storage",
    "headers_secret=headers",
    "job_server_jar=/opt/flink.jar",
)


def azure_paths(target: str, folder: Path) -> Path:
    root = "azfs://account/container"
    return config_for(
        target,
        folder,
        train_file_path=f"{root}/train.jsonl",
        validation_file_path=f"{root}/validation.jsonl",
        generated_batch_train_file_path=f"{root}/out/train.jsonl",
        generated_batch_validation_file_path=f"{root}/out/validation.jsonl",
        shared_directories=None,
        work_dir=f"{root}/work",
    )


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("target", TARGETS)
def test_every_file_passes_its_reader(tmp_path: Path, target: str, variant: str) -> None:
    (tmp_path / "data").mkdir()
    for name in ("train", "validation"):
        (tmp_path / "data" / f"{name}.jsonl").touch()
    folder = rendered(target, config_for(target, tmp_path), *VARIANTS[variant])
    assert {path.name for path in folder.iterdir()} == set(TARGETS[target].files)
    assert not [text for path in folder.iterdir() for text in objections(path)]


@pytest.mark.parametrize("target", TARGETS)
def test_every_file_on_azure_storage_passes_its_reader(tmp_path: Path, target: str) -> None:
    folder = rendered(target, azure_paths(target, tmp_path), *(KUBERNETES_ON_AZURE if target.endswith("-kubernetes") else ()))
    assert not [text for path in folder.iterdir() for text in objections(path)]


@pytest.mark.parametrize(
    ("target", "file", "old", "new"),
    [
        ("github-actions", "github-actions/distill.yml.j2", "runs-on:", "runs_on:"),
        ("github-actions", "github-actions/distill.yml.j2", "retention-days: {{ values.retention_days }}", "retention-days: [ {{ values }}"),
        ("azure-pipelines", "azure-pipelines/azure-pipelines.yml.j2", "dependsOn:", "dependson_:"),
        ("azure-pipelines", "azure-pipelines/azure-pipelines.yml.j2", "inlineScript:", "inlineScrip:"),
        ("azureml", "azureml/component.yaml.j2", "type: command", "type: comand"),
        ("azureml", "azureml/component.yaml.j2", "${{inputs.", "${{inputs.the_"),
        ("azureml", "azureml/job.yaml.j2", "component: ./component.yaml", "component: ./other.yaml"),
        ("flink-rest", "flink-rest/submit.sh.j2", "jar_id=${jar_id##*/}", "jar_id=${jar_id##*/"),
        ("spark-submit", "spark-submit/submit.sh.j2", '"$jar" ||', '"$jar ||'),
        ("flink-kubernetes", "kubernetes.j2", "containerPort: 50000", "containerPort: fifty"),
        ("flink-kubernetes", "kubernetes.j2", "allowPrivilegeEscalation", "allowPrivilegesEscalation"),
        ("spark-kubernetes", "kubernetes.j2", "claimName:", "claim:"),
        ("flink-kubernetes", "flink-kubernetes/access.yaml.j2", "roleRef:", "role:"),
    ],
    ids=lambda value: value.split("/")[-1][:30],
)
def test_a_broken_template_is_found(tmp_path: Path, target: str, file: str, old: str, new: str) -> None:
    folder = rendered(target, config_for(target, tmp_path), templates=broken_templates(tmp_path, file, old, new))
    try:
        found = [text for path in folder.iterdir() for text in objections(path)]
    except yaml.YAMLError as error:
        found = [str(error)]
    assert found


@pytest.mark.skipif(crd_folder() is None, reason="the operators' definitions are not here: DISTILL_TEST_SCHEMAS names their folder")
@pytest.mark.parametrize(
    ("target", "old", "new"),
    [
        ("flink-kubernetes", "jarURI:", "jarUri:"),
        ("flink-kubernetes", "upgradeMode: stateless", "upgradeMode: none"),
        ("flink-kubernetes", "numberOfTaskSlots", "numberOfTaskSlots"),
        ("spark-kubernetes", "mainClass:", "mainclass:"),
        ("spark-kubernetes", "type: OnFailure", "type: Sometimes"),
        ("spark-kubernetes", "instances: {{ job.settings.instance_count }}", 'instances: "two"'),
    ],
    ids=lambda value: value[:20],
)
def test_a_template_against_an_operators_definition_is_found(tmp_path: Path, target: str, old: str, new: str) -> None:
    file = {"flink-kubernetes": "flinkdeployment", "spark-kubernetes": "sparkapplication"}[target]
    templates = broken_templates(tmp_path, f"{target}/{file}.yaml.j2", old, new)
    folder = rendered(target, config_for(target, tmp_path), templates=templates)
    found = objections(folder / f"{file}.yaml")
    assert found if old != new else not found


def test_a_template_that_uses_an_unknown_name_is_not_rendered(tmp_path: Path) -> None:
    templates = broken_templates(tmp_path, "flink-rest/submit.sh.j2", "values.look_every_s", "values.look_evry_s")
    with pytest.raises(jinja2.UndefinedError, match="look_evry_s"):
        rendered("flink-rest", config_for("flink-rest", tmp_path), templates=templates)
