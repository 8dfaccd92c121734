"""A judge at Azure's endpoints: by connection, by name, by identity."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure_emulator.arm_routes import a_connection, a_serverless
from azure_emulator.state import Scripted
from azure_jobs import AzureHost
from builders import questions, read_jsonl
from jobs import Job
from small_teacher import SmallTeacher, small_teacher

from beam_distill.exit_codes import ExitCode


class Judged:
    """A job with a teacher on this machine and a judge at Azure."""

    def __init__(self, host: AzureHost, teacher: SmallTeacher, folder: Path) -> None:
        self._host = host
        self.teacher = teacher
        self.job = Job(folder, teacher.url)
        self.job.train(questions(10))

    def run(self, *extra: str, command: str = "run") -> int:
        workspace = ("--subscription_id=sub-1", "--resource_group=group-1", "--workspace_name=space-1")
        azure = (f"--arm_url={self._host.emulator.url}", f"--azure_ca_bundle={self._host.authority}", "--strict_model_list")
        return self.job.command(command, "--checks=judge", "--judge_model=j", *workspace, *azure, *extra)


@pytest.fixture
def judged(host: AzureHost, tmp_path: Path) -> Iterator[Judged]:
    host.state.answer = '{"reason": "good", "score": 9}'
    with small_teacher() as teacher:
        yield Judged(host, teacher, tmp_path / "job")


def by_connection(host: AzureHost) -> list[str]:
    host.become("azure_ml")
    host.state.connections["judge"] = a_connection(f"{host.emulator.url}/serverless")
    return ["--judge_connection_name=judge", "--judge_endpoint_kind=serverless"]


def by_name(host: AzureHost) -> list[str]:
    host.become("workload")
    host.state.serverless["judge"] = a_serverless(f"{host.emulator.url}/serverless")
    host.state.endpoint_keys["judge"] = "KEY-1"
    return ["--judge_model_endpoint_name=judge"]


def by_identity(host: AzureHost) -> list[str]:
    host.become("azure_ml")
    address = f"--judge_model_endpoint_url={host.emulator.url}/online/score"
    return [address, "--judge_endpoint_kind=online", "--judge_authentication_type=managed_identity"]


@pytest.mark.parametrize("access", [by_connection, by_name, by_identity])
def test_a_judge_at_azure(access: object, host: AzureHost, judged: Judged, capsys: pytest.CaptureFixture[str]) -> None:
    flags = access(host)  # type: ignore[operator]
    assert judged.run(*flags, command="check") == 0
    assert "judge       http://" in capsys.readouterr().out
    assert judged.run(*flags) == 0
    assert len(read_jsonl(judged.job.train_output)) == 10
    assert host.state.counts()["online" if access is by_identity else "serverless"] == 10
    asked = host.state.counts()
    assert judged.run(*flags) == 0  # nothing to ask
    assert host.state.counts()["online"] + host.state.counts()["serverless"] == asked["online"] + asked["serverless"]
    files = [path for path in judged.job.folder.rglob("*") if path.is_file()]
    assert not [path for path in files for secret in (*host.state.keys, *host.state.tokens) if secret.encode() in path.read_bytes()]


def test_what_is_refused_names_the_judges_settings(host: AzureHost, judged: Judged, capsys: pytest.CaptureFixture[str]) -> None:
    host.state.always["door"] = Scripted(403)
    assert judged.run(*by_connection(host)) == ExitCode.ENDPOINT_STOPPED
    assert "the judge: http" in capsys.readouterr().err
    assert judged.run("--judge_connection_name=another") == ExitCode.WRONG_INPUT
    assert "the judge: Azure: " in capsys.readouterr().err
    assert judged.run("--judge_model_endpoint_url=https://j.example/v1", "--judge_authentication_type=managed_identity") == 2
    said = capsys.readouterr().err
    assert "judge_authentication_type: j.example is not one of Azure's hosts" in said
    assert "--judge_endpoint_kind" in said
    assert judged.teacher.answered == 0


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--judge_authentication_type=managed_identity", "--judge_connection_name=c"], "judge_connection_name: contradicts judge_auth"),
        (["--judge_api_key_env=A", "--judge_connection_name=c"], "judge_api_key_env: a key reference contradicts judge_connection_name"),
        (
            ["--judge_api_key_env=A", "--judge_api_key_file=b", "--judge_model_endpoint_url=http://h/v1"],
            "judge_api_key_env, judge_api_key_file: b",
        ),
        (["--judge_connection_name=c", '--judge_extra_body={"temperature": 1}'], "'temperature' cannot be set here: use judge_temperature"),
        (["--judge_connection_name=c", '--judge_extra_body={"model": "x"}'], "'model' cannot be set here: use --judge_model"),
        (["--judge_connection_name=c", '--judge_extra_body={"x": {"api_key": "sk-abcdefgh1234"}}'], "x.api_key is a secret: write ${NAME}"),
    ],
)
def test_contradictions_are_those_of_the_teacher(flags: list[str], said: str, judged: Judged, capsys: pytest.CaptureFixture[str]) -> None:
    assert judged.run(*flags) == ExitCode.WRONG_INPUT
    shown = capsys.readouterr().err
    assert said in shown
    assert "sk-abcdefgh1234" not in shown


def test_what_is_sent_beside_the_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGES_TAG", "made-up-secret-tag")
    with small_teacher() as teacher, small_teacher('{"reason": "good", "score": 9}') as judge:
        job = Job(tmp_path, teacher.url)
        job.train(questions(2))
        body = '{"reasoning_effort": "low", "top_p": 0.9, "tag": "${JUDGES_TAG}"}'
        flags = ["--checks=judge", f"--judge_model_endpoint_url={judge.url}", "--judge_model=j", f"--judge_extra_body={body}"]
        assert job.run(*flags, "--judge_temperature=0.6") == 0
        sent = {name: value for name, value in judge.payloads[0].items() if name in ("reasoning_effort", "top_p", "tag", "temperature")}
        assert sent == {"reasoning_effort": "low", "top_p": 0.9, "tag": "made-up-secret-tag", "temperature": 0.6}
        assert not {"reasoning_effort", "tag"} & teacher.payloads[0].keys()
        assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"made-up-secret-tag" in path.read_bytes()]
        assert job.run(*flags, "--judge_temperature=0.6") == 0
        assert (teacher.answered, judge.answered) == (2, 2)
        assert job.run(*flags, "--judge_temperature=none") == 0
        assert (teacher.answered, judge.answered) == (2, 4)
        assert "temperature" not in judge.payloads[-1]
