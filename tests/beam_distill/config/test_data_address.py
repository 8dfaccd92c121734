"""Addresses of files as Azure and the web write them."""

import pwd
from pathlib import Path

import pytest

from beam_distill.config.data_address import beam_path
from beam_distill.config.errors import SettingsError
from beam_distill.config.sources import check_leftovers, resolve

SUBSCRIPTION = "azureml://subscriptions/s/resourcegroups/g/workspaces/w"


@pytest.mark.fault("G14")
@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("rows.jsonl", "rows.jsonl"),
        ("data/a:b.jsonl", "data/a:b.jsonl"),
        ("azfs://account/container/a.jsonl", "azfs://account/container/a.jsonl"),
        ("s3://bucket/a.jsonl", "s3://bucket/a.jsonl"),
        ("wasbs://container@account.blob.core.windows.net/dir/a*.jsonl", "azfs://account/container/dir/a*.jsonl"),
        ("wasb://container@account.blob.core.windows.net/a.jsonl", "azfs://account/container/a.jsonl"),
        ("abfss://container@account.dfs.core.windows.net/dir/a.jsonl", "azfs://account/container/dir/a.jsonl"),
        ("abfss://container@account.dfs.core.usgovcloudapi.net/a.jsonl", "azfs://account/container/a.jsonl"),
        ("https://account.blob.core.windows.net/container/dir/a%20b.jsonl", "azfs://account/container/dir/a b.jsonl"),
        ("https://account.dfs.core.windows.net/container/a.jsonl", "azfs://account/container/a.jsonl"),
        ("https://account.blob.core.chinacloudapi.cn/container/a.jsonl", "azfs://account/container/a.jsonl"),
        ("file:///data/a%20b.jsonl", "/data/a b.jsonl"),
        ("file://localhost/data/a.jsonl", "/data/a.jsonl"),
        ("file:data/a.jsonl", "data/a.jsonl"),
    ],
)
def test_addresses_become_paths_for_beam(address: str, path: str) -> None:
    assert beam_path(address) == path


@pytest.mark.fault("G14")
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("azureml:rows:3", "azureml:rows:3 is an asset in Azure ML; download it"),
        ("azureml:rows@latest", "is an asset in Azure ML"),
        (f"{SUBSCRIPTION}/data/rows/versions/1", "is an asset in Azure ML"),
        ("azureml://datastores/store/paths/dir/a.jsonl", "give azfs://ACCOUNT/CONTAINER/dir/a.jsonl with account"),
        (f"{SUBSCRIPTION}/datastores/store/paths/a.jsonl", "az ml datastore show --name store --resource-group g --workspace-name w "),
        ("wasbs://container/a.jsonl", "expected wasbs://CONTAINER@ACCOUNT.blob.core.windows.net/PATH"),
        ("abfss://workspace@onelake.dfs.fabric.microsoft.com/a.jsonl", "azfs://ACCOUNT/CONTAINER/PATH"),
        ("https://example.org/rows.jsonl", "is on the web; download it"),
        ("hf://datasets/a/b/rows.jsonl", "Hugging Face Hub; download it"),
        ("file://server/share/a.jsonl", "another machine (server)"),
    ],
)
def test_what_has_no_path_says_what_to_give(address: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        beam_path(address)
    assert said in str(caught.value)


@pytest.mark.fault("G14")
def test_a_signature_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError) as caught:
        beam_path("https://account.blob.core.windows.net/container/a.jsonl?sv=1&sig=SECRET")
    assert "give azfs://account/container/a.jsonl" in str(caught.value)
    assert "SECRET" not in str(caught.value)


@pytest.mark.fault("G14")
def test_every_path_of_a_run_is_read_so() -> None:
    blob = "wasbs://c@a.blob.core.windows.net/"
    given = {
        "train_file_path": f"{blob}t.jsonl",
        "validation_file_path": f"{blob}v.jsonl",
        "generated_batch_train_file_path": f"{blob}o.jsonl",
        "generated_batch_validation_file_path": f"{blob}p.jsonl",
        "work_dir": f"{blob}w",
        "data_generation_task_type": "MATH",
        "teacher_model_endpoint_url": "http://127.0.0.1:9",
    }
    settings = resolve(given, None, {}).settings
    assert settings.train_file_path == "azfs://a/c/t.jsonl"
    assert settings.validation_file_path == "azfs://a/c/v.jsonl"
    assert settings.generated_batch_train_file_path == "azfs://a/c/o.jsonl"
    assert settings.work_dir == "azfs://a/c/w"
    with pytest.raises(SettingsError, match="train_file_path .*asset in Azure ML"):
        resolve({**given, "train_file_path": "azureml:rows:1"}, None, {})
    with pytest.raises(SettingsError) as caught:
        resolve({**given, "train_file_path": "https://a.blob.core.windows.net/c/t.jsonl?sig=SECRET"}, None, {})
    assert "SECRET" not in str(caught.value)


@pytest.mark.fault("N14")
def test_a_pattern_that_the_shell_expanded_is_recognised(tmp_path: pytest.TempPathFactory) -> None:
    rows = [f"{tmp_path}/{name}.jsonl" for name in "ab"]
    for path in rows:
        open(path, "w").close()
    with pytest.raises(SettingsError) as caught:
        check_leftovers(rows, ())
    assert f"--train_file_path '{tmp_path}/*.jsonl'" in str(caught.value)
    assert "quotes" in str(caught.value)
    with pytest.raises(SettingsError) as caught:
        check_leftovers(["no-file"], ())
    assert "quotes" not in str(caught.value)


def test_a_path_may_begin_in_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "t.jinja").write_text("{{q}}?")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    given = {
        "train_file_path": "~/t*.jsonl",
        "generated_batch_train_file_path": "~/out/o.jsonl",
        "work_dir": "~/w",
        "data_generation_task_type": "MATH",
        "teacher_model_endpoint_url": "http://127.0.0.1:9",
        "api_key_file": "~/key",
        "ca_bundle": "~/ca.pem",
        "azure_ca_bundle": "~/azure.pem",
        "user_template": "@~/t.jinja",
    }
    settings = resolve(given, None, {}).settings
    assert (settings.train_file_path, settings.generated_batch_train_file_path) == (f"{home}/t*.jsonl", f"{home}/out/o.jsonl")
    assert (settings.work_dir, settings.api_key_file, settings.ca_bundle) == (f"{home}/w", f"{home}/key", f"{home}/ca.pem")
    assert settings.azure_ca_bundle == f"{home}/azure.pem"
    assert settings.user_template == "{{q}}?"
    assert [beam_path(name) for name in ("~backup.jsonl", "a/~/b.jsonl", "~")] == ["~backup.jsonl", "a/~/b.jsonl", "~"]
    (tmp_path / "~").mkdir()
    assert beam_path("~/rows.jsonl") == "~/rows.jsonl"  # there is one of that name


def test_without_a_home_directory_the_whole_path_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def nobody(user_id: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {user_id}")

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", nobody)  # as in a container that runs as any user
    with pytest.raises(ValueError, match="~/rows.jsonl begins with a home directory, and there is none"):
        beam_path("~/rows.jsonl")
