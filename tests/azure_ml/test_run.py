"""Complete runs of an Azure ML user, also longer than a token is valid; no secret is readable anywhere."""

import base64
import bz2
import pickle
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import pytest
from azure_emulator.arm_routes import a_connection, a_deployment, a_serverless, an_online
from azure_emulator.state import Scripted
from azure_jobs import AzureHost
from builders import questions, read_jsonl
from jobs import Job

from beam_distill.config.sources import resolve
from beam_distill.job.pipeline import build
from beam_distill.job.specs import endpoint_spec, job_spec


@pytest.fixture
def job(host: AzureHost, tmp_path: Path) -> Job:
    host.state.answer = "7"
    made = Job(tmp_path / "job")
    made.train(questions(30))
    return made


def run(job: Job, host: AzureHost, *extra: str) -> int:
    workspace = ("--subscription_id=sub-1", "--resource_group=group-1", "--workspace_name=space-1")
    azure = (f"--arm_url={host.emulator.url}", f"--azure_ca_bundle={host.authority}")
    return job.run(*workspace, *azure, *extra)


def whole(job: Job, rows: int) -> bool:
    return job.record()["outcome"] == "published" and len(read_jsonl(job.train_output)) == rows and job.rejects() == []


def secrets_in(host: AzureHost) -> list[bytes]:
    return [value.encode() for value in (*host.state.keys, *host.state.tokens)]


def test_by_connection(host: AzureHost, job: Job) -> None:
    host.become("azure_ml")
    host.state.connections["teacher"] = a_connection(f"{host.emulator.url}/serverless")
    assert run(job, host, "--connection_name=teacher", "--endpoint_kind=serverless") == 0
    assert whole(job, 30)
    # the launcher and the engine are one process here: one token, and the key is read once
    assert host.state.counts() == {"azure_ml": 1, "arm list_secrets": 1, "door": 1, "info": 1, "serverless": 30}


def test_by_name_with_a_key(host: AzureHost, job: Job) -> None:
    host.become("workload")
    host.state.serverless["teacher"] = a_serverless(f"{host.emulator.url}/serverless")
    host.state.endpoint_keys["teacher"] = "KEY-1"
    asset = "azureml://registries/azureml-meta/models/Meta-Llama-3.1-405B-Instruct"
    assert run(job, host, "--teacher_model_endpoint_name=teacher", f"--teacher_model_asset_id={asset}", "--strict_model_list") == 0
    assert whole(job, 30)
    assert host.state.counts()["workload"] == 1
    assert host.state.counts()["arm list_keys"] == 1


def test_by_name_with_a_token_that_ends_mid_run(host: AzureHost, job: Job) -> None:
    host.become("imds")
    host.state.token_life_s = 2.0
    host.state.answer_s = 0.2
    host.state.online["teacher"] = an_online(f"{host.emulator.url}/online/score", authMode="AMLToken")
    host.state.deployments["teacher"] = [a_deployment("green"), a_deployment("blue")]
    assert run(job, host, "--teacher_model_endpoint_name=teacher", "--max_worker_count=2", "--model=m") == 0
    assert whole(job, 30)
    assert host.state.counts()["arm token"] >= 2


def test_a_managed_identity_whose_token_ends_mid_run(host: AzureHost, job: Job) -> None:
    """A token valid for two seconds, work for three: no row fails, and each token is requested once."""
    host.become("azure_ml")
    host.state.token_life_s = 2.0
    host.state.answer_s = 0.2
    given = (f"--teacher_model_endpoint_url={host.emulator.url}/online/score", "--endpoint_kind=online", "--max_worker_count=2")
    assert run(job, host, "--authentication_type=managed_identity", "--model=m", *given) == 0
    assert whole(job, 30)
    assert 2 <= host.state.counts()["azure_ml"] <= 10
    assert host.state.counts()["online"] >= 30


def test_a_refused_credential_sends_nothing(host: AzureHost, job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    host.become("imds")
    host.state.connections["teacher"] = a_connection(f"{host.emulator.url}/serverless")
    host.state.always["door"] = Scripted(403)
    assert run(job, host, "--connection_name=teacher", "--endpoint_kind=serverless") == 4
    shown = capsys.readouterr().err
    assert "permissions and network rules" in shown
    assert "Traceback" not in shown
    assert host.state.counts()["serverless"] == 0


@pytest.mark.slow
def test_nothing_secret_on_disk_or_on_screen(
    host: AzureHost, job: Job, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    host.become("app_service")
    caplog.set_level("DEBUG")
    host.state.connections["teacher"] = a_connection(f"{host.emulator.url}/serverless")
    host.state.script("serverless", Scripted(401), Scripted(500))
    assert run(job, host, "--connection_name=teacher", "--endpoint_kind=serverless", "--debug_mode", "--log_prompts", "--report=true") == 0
    reported = capfd.readouterr()
    texts = [(reported.out + reported.err + caplog.text).encode(), *(path.read_bytes() for path in job.folder.rglob("*") if path.is_file())]
    texts += [found for text in texts for found in unpacked(text)]
    for secret in secrets_in(host):
        assert not [text for text in texts if secret in text]


def unpacked(data: bytes) -> Iterator[bytes]:
    """What Beam packed into ``data``: base64 over bz2 or zlib."""
    for packed in re.findall(rb"[A-Za-z0-9+/=]{80,}", data):
        try:
            raw = base64.b64decode(packed)
        except ValueError:
            continue
        for unpack in (bz2.decompress, zlib.decompress):
            try:
                yield unpack(raw)
            except (OSError, ValueError, zlib.error):
                continue


def test_nothing_secret_in_the_pickled_pipeline(host: AzureHost, job: Job) -> None:
    """The secrets are in this process's memory when the pipeline is pickled, and stay there."""
    host.become("imds")
    host.state.connections["teacher"] = a_connection("https://t.eastus2.models.ai.azure.com")
    flags = dict(argument[2:].split("=", 1) for argument in job.arguments()[1:])
    flags.pop("teacher_model_endpoint_url")
    flags |= {"connection_name": "teacher", "arm_url": host.emulator.url, "workspace_name": "space-1"}
    settings = resolve({**flags, "subscription_id": "sub-1", "resource_group": "group-1"}, None, {}).settings
    spec = job_spec(settings, endpoint_spec(settings), "run-1")
    assert host.state.counts() == {"imds": 1, "arm list_secrets": 1}
    pipeline = beam.Pipeline()
    build(pipeline, spec)
    graph = pipeline.to_runner_api().SerializeToString()
    parts = [graph, pickle.dumps(spec), *unpacked(graph)]
    assert any(b"space-1" in part for part in parts[2:])  # the reference travels, so the search looks in the right place
    for secret in secrets_in(host):
        assert not [part for part in parts if secret in part]


def test_a_refused_key_is_reported_before_rows_are_sent(host: AzureHost, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if the model is given and nothing else has to be found; an endpoint that is silent then may answer later."""
    monkeypatch.setenv("TEACHER_KEY", "OLD")
    job.url = f"{host.emulator.url}/plain/v1"
    assert run(job, host, "--api_key_env=TEACHER_KEY", "--model=teacher") == 4
    assert [seen.method for seen in host.state.of("plain")] == ["GET"]
    monkeypatch.setenv("TEACHER_KEY", "KEY-1")
    host.state.script("plain", Scripted(200, hang_s=1.0))
    assert run(job, host, "--api_key_env=TEACHER_KEY", "--model=teacher") == 0
    assert whole(job, 30)
