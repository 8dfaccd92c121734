"""Secrets in a server's echo or in an address: none reaches a file, the terminal or another host."""

import base64
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

import pytest
from builders import chat_line, questions
from jobs import Job
from local_server import serving

from beam_distill.job import specs as wiring

KEY = "sk-live-0123456789/abcdef=="
HEADER_SECRET = "tenant+token-42!secret"
ADDRESS_SECRET = "c0de/for the+function=="


class Echo(BaseHTTPRequestHandler):
    """Answers every other row; every body contains everything it received."""

    seen: ClassVar[list[dict[str, Any]]] = []

    def log_message(self, *arguments: object) -> None:
        pass

    def do_POST(self) -> None:
        request = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = dict(self.headers)
        type(self).seen.append({**headers, "path": self.path})
        everything = json.dumps(headers) + self.path + base64.b64encode(headers.get("Authorization", "").encode()).decode()
        if b"What is 1 plus" in request:
            body = json.dumps({"error": {"message": f"you sent \x1b[2J{everything}"}}).encode()
            self.send_response(400)
        else:
            message = {"role": "assistant", "content": "4", "reasoning_content": everything}
            body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
            self.send_response(200)
        self.send_header("x-request-id", f"id {headers.get('Authorization')}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST


@pytest.fixture
def echo() -> Iterator[str]:
    Echo.seen = []
    with serving(Echo) as address:
        yield f"http://{address}"


def everything_written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.fault("T8", "T9", "X-F1", "X-F2", "X-F8", "G18")
def test_no_secret_is_kept_or_shown(tmp_path: Path, echo: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TEACHER_KEY", KEY)
    monkeypatch.setenv("TENANT", HEADER_SECRET)
    monkeypatch.setenv("FUNCTION_CODE", ADDRESS_SECRET)
    job = Job(tmp_path, f"{echo}/v1?code=${{FUNCTION_CODE}}", task="CONVERSATION")
    job.train(questions(12))
    code = job.run(
        "--model=m",
        "--api_key_env=TEACHER_KEY",
        '--additional_headers={"X-Tenant-Token": "${TENANT}"}',
        "--min_endpoint_success_ratio=0",
        "--report=true",
    )
    shown = "".join(capfd.readouterr())
    assert code == 0
    sent = Echo.seen[-1]
    assert sent["Authorization"] == f"Bearer {KEY}"
    assert sent["X-Tenant-Token"] == HEADER_SECRET
    assert "code=c0de" in sent["path"]
    assert "FUNCTION_CODE" not in sent["path"]
    assert sent["User-Agent"].startswith("beam-distill/")
    assert len(sent["x-ms-client-request-id"]) == 36
    written = everything_written(job.train_output.parent) + shown.encode()
    for part in (b"0123456789/abcdef", b"token-42", b"c0de/for", b"c0de%2Ffor", base64.b64encode(b"sk-live-0123456789")[3:20]):
        assert part not in written
    assert b"[secret]" in written
    assert b"${FUNCTION_CODE}" in written
    assert "\x1b[2J" not in shown
    assert "\x1b[2J" not in (job.work_dir / "rejects.jsonl").read_text()


BODY_SECRET = "0n-your-data/key+7788=="


class EchoBody(Echo):
    """Answers with everything it received, the body too."""

    def do_POST(self) -> None:
        request = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        type(self).seen.append(json.loads(request))
        message = {"role": "assistant", "content": "4", "reasoning_content": request.decode()}
        body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def with_key(key: str) -> str:
    parameters = {"authentication": {"type": "api_key", "key": key}, "index_name": "docs"}
    return "--extra_body=" + json.dumps({"data_sources": [{"type": "azure_search", "parameters": parameters}]})


@pytest.mark.slow
@pytest.mark.fault("X-F5")
@pytest.mark.parametrize("given", ["${SEARCH_KEY}", BODY_SECRET], ids=["by its name", "itself"])
def test_a_secret_in_the_body_is_sent_and_not_kept(
    tmp_path: Path, given: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEARCH_KEY", BODY_SECRET)
    EchoBody.seen = []
    with serving(EchoBody) as address:
        job = Job(tmp_path, f"http://{address}/v1", task="CONVERSATION")
        job.train([*questions(2), chat_line(("user", "What is 3 plus 3 in ${SEARCH_KEY}?"))])
        assert job.run("--model=m", with_key(given), "--report=true", "--debug_mode=true", "--log_prompts=true") == 0
        assert job.run("--model=m", with_key(given), "--report=true", "--teacher_model_temperature=0.9") == 0
    sources: list[Any] = [sent["data_sources"][0]["parameters"] for sent in EchoBody.seen]
    assert sources == [{"authentication": {"type": "api_key", "key": BODY_SECRET}, "index_name": "docs"}] * 6
    assert any("in ${SEARCH_KEY}?" in str(sent) for sent in EchoBody.seen)  # a text in a row is not a reference
    written = everything_written(job.train_output.parent) + "".join(capfd.readouterr()).encode()
    assert b"0n-your-data" not in written
    assert b"[secret]" in written


@pytest.mark.fault("X-F5")
def test_an_unset_variable_of_the_body_is_reported_before_anything_is_sent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    job = Job(tmp_path, "http://127.0.0.1:9/v1", task="CONVERSATION")
    job.train(questions(2))
    assert job.run("--model=m", with_key("${NO_SUCH_VARIABLE}")) == 2
    assert "extra_body: the environment variable NO_SUCH_VARIABLE is not set on this machine" in capfd.readouterr().err


@pytest.mark.fault("X-F5")
def test_answers_recorded_with_a_secret_in_clear_are_still_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "by_reference", dict)  # the format before secrets were stored by name
    with serving(EchoBody) as address:
        job = Job(tmp_path, f"http://{address}/v1", task="CONVERSATION")
        job.train(questions(3))
        assert job.run("--model=m", with_key(BODY_SECRET)) == 0
    monkeypatch.undo()
    monkeypatch.setenv("SEARCH_KEY", BODY_SECRET)
    for given in (BODY_SECRET, "${SEARCH_KEY}"):  # and without the teacher
        assert job.run("--model=m", with_key(given)) == 0


@pytest.mark.fault("T9", "X-F2")
@pytest.mark.parametrize("parameter", ["code", "sig", "api-key", "api_key", "key", "subscription-key", "access_token", "token"])
def test_a_secret_in_the_address_is_refused_unread(tmp_path: Path, parameter: str, capfd: pytest.CaptureFixture[str]) -> None:
    job = Job(tmp_path, f"https://host.example/v1?api-version=1&{parameter}=geheim-123456")
    job.train(questions(1))
    assert job.run("--model=m") == 2
    shown = "".join(capfd.readouterr())
    assert "geheim" not in shown
    assert f"{parameter}=${{TEACHER_KEY}}" in shown


@pytest.mark.fault("D8", "X-C10")
@pytest.mark.parametrize("key", [True, False])
def test_credentials_in_netrc_are_not_read(
    tmp_path: Path, echo: str, key: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".netrc").write_text("machine localhost login me password from-netrc\ndefault login me password from-netrc\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("TEACHER_KEY", KEY)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # a proxy for other addresses
    job = Job(tmp_path, f"{echo}/v1", task="CONVERSATION")
    job.train(questions(2, start=5))
    assert job.run(*(["--api_key_env=TEACHER_KEY"] if key else [])) == 0
    assert {sent.get("Authorization") for sent in Echo.seen} == {f"Bearer {KEY}" if key else None}


@pytest.mark.fault("D18")
def test_a_proxy_that_cannot_be_used_is_refused_before_anything_is_sent(
    tmp_path: Path, echo: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("http_proxy", "https://proxy.example:3128")
    job = Job(tmp_path, f"{echo}/v1")
    job.train(questions(1))
    assert job.run("--model=m") == 2
    assert "http_proxy names a proxy with https://" in capfd.readouterr().err
    assert Echo.seen == []


@pytest.mark.fault("D18")
def test_a_proxy_without_a_scheme_is_used(tmp_path: Path, echo: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("http_proxy", echo.removeprefix("http://"))
    job = Job(tmp_path, "http://teacher.example:8000/v1", task="CONVERSATION")
    job.train(questions(2, start=5))
    assert job.run("--model=m") == 0
    assert {sent["path"] for sent in Echo.seen} == {"http://teacher.example:8000/v1/chat/completions"}
    assert job.command("check", "--model=m") == 0
    assert f"(openai, through the proxy {echo.removeprefix('http://')} (http_proxy)) answers" in capfd.readouterr().out
