"""Where the workspace's name comes from."""

import json
from pathlib import Path
from typing import Any

import pytest

from beam_distill.config.settings import DistillSettings
from beam_distill.exit_codes import RunRefused
from beam_distill.job.workspace import workspace_of
from transforms.elements.tasks import TaskType

WHOLE = {"subscription_id": "s", "resource_group": "g", "workspace_name": "w"}


def settings(**given: Any) -> DistillSettings:
    return DistillSettings(
        train_file_path="a",
        generated_batch_train_file_path="b",
        data_generation_task_type=TaskType.MATH,
        teacher_model_endpoint_url="http://h",
        **given,
    )


def write(path: Path, **fields: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fields))
    return path


def test_settings_win_over_environment_over_file(tmp_path: Path) -> None:
    write(tmp_path / "config.json", subscription_id="file", resource_group="file", workspace_name="file")
    environ = {"AZUREML_ARM_RESOURCEGROUP": "aml", "AZURE_RESOURCE_GROUP": "azure", "AZUREML_ARM_WORKSPACE_NAME": "aml"}
    found = workspace_of(settings(workspace_name="flag"), environ, tmp_path)
    assert (found.subscription_id, found.resource_group, found.name) == ("file", "aml", "flag")


@pytest.mark.parametrize("place", ["config.json", ".azureml/config.json", "../config.json"])
def test_the_file_is_found(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    write(folder / place, **WHOLE)
    assert workspace_of(settings(), {}, folder).name == "w"


def test_the_file_may_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.json", **WHOLE)
    assert workspace_of(settings(workspace_config=str(path)), {}, tmp_path / "elsewhere").name == "w"


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunRefused, match=r"workspace_name is missing \(--workspace_name, AZUREML_ARM_WORKSPACE_NAME"):
        workspace_of(settings(subscription_id="s", resource_group="g"), {}, tmp_path)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(RunRefused, match="cannot be read"):
        workspace_of(settings(), {}, tmp_path)


def test_the_cloud_decides_the_scope() -> None:
    from transforms.azure.specs import WorkspaceRef

    assert WorkspaceRef("s", "g", "w").arm_scope == "https://management.azure.com/.default"
    assert WorkspaceRef("s", "g", "w", "https://management.chinacloudapi.cn").arm_scope == "https://management.chinacloudapi.cn/.default"
    assert WorkspaceRef("s", "g", "w", "http://127.0.0.1:1").arm_scope == "https://management.azure.com/.default"
