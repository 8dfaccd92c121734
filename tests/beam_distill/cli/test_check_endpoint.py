"""What check finds about an endpoint without paying: its route, its key, the size of its context."""

import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from azure_emulator.certificates import make_certificates
from jobs import Job
from local_server import serving


class NoModelList(BaseHTTPRequestHandler):
    """A gateway with only a chat route, which accepts only JSON."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        pass

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(400 if self.path == "/v1/chat/completions" else 404)

    def do_GET(self) -> None:
        self.answer(404)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


@pytest.mark.fault("R6")
def test_check_asks_the_chat_route_where_no_models_are_listed(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(NoModelList) as address:
        job.url = f"http://{address}/v1"
        assert job.command("check") == 0
        assert "no list of models (status 404: {}); this does not prove that it accepts chats, --pilot 1" in capsys.readouterr().out
        job.url = f"http://{address}/api"
        assert job.command("check") == 4
        assert "there is no such route; see teacher_model_endpoint_url" in capsys.readouterr().err


LONG = "x" * 1_500


@pytest.mark.parametrize(
    "listed",
    [
        [{"id": "one", "object": "model"}, {"id": "two", "object": "model"}],
        {"models": [{"name": "one", "size": 5}, {"name": "two"}]},
        {"object": "list", "data": ["one", "two"]},
        {"data": [{"id": name, "description": LONG} for name in ("one", "two", *(f"vendor/{number}" for number in range(400)))]},
    ],
    ids=["bare_list", "under_models", "names_alone", "long_list"],
)
def test_models_are_found_in_every_shape_of_list(job: Job, capsys: pytest.CaptureFixture[str], listed: object) -> None:
    body = json.dumps(listed).encode()

    class Listing(NoModelList):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with serving(Listing) as address:
        job.url = f"http://{address}/v1"
        job.command("check")
        assert "models: one, two" in capsys.readouterr().out


class NoDatabase(NoModelList):
    """A LiteLLM proxy without a database: for any key but the master key it reports a broken connection. It parses the JSON first."""

    def answer(self, status: int) -> None:
        body = b'{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}'
        if self.command == "POST":
            body = b'{"error":{"message":"Invalid JSON payload","type":"invalid_request_error","param":"request_body","code":"400"}}'
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.mark.fault("R6")
def test_check_reads_a_wrong_key_behind_a_status_400(job: Job, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHER_KEY", "sk-wrong-1234567")
    with serving(NoDatabase) as address:
        job.url = f"http://{address}/v1"
        assert job.command("check", "--api_key_env=TEACHER_KEY") == 4
        shown = capsys.readouterr().err
        assert "the key is wrong or expired" in shown
        assert "No connected db." in shown


class SmallContext(NoModelList):
    """Lists a model with its context length, each time under the name that the test sets."""

    fields = b""

    def do_GET(self) -> None:
        body = b'{"data":[{"id":"m",' + self.fields + b"}]}"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.mark.fault("R6", "R7")
@pytest.mark.parametrize("fields", ['"max_model_len":512', '"meta":{"n_ctx":512}', '"context_length":512', '"context_window":512'])
def test_check_and_run_refuse_an_answer_as_long_as_the_context(job: Job, fields: str, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(type("Listed", (SmallContext,), {"fields": fields.encode()})) as address:
        job.url = f"http://{address}/v1"
        for name in ("check", "run"):
            assert job.command(name, "--teacher_model_max_new_tokens=512") == 2
            assert "teacher_model_max_new_tokens is 512, and the context of m has 512 tokens" in capsys.readouterr().err
        assert job.command("check", "--teacher_model_max_new_tokens=256") == 0


@pytest.mark.fault("A6")
def test_a_certificate_that_nobody_trusts_names_the_setting_that_helps(job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    authority, tls = make_certificates(tmp_path)
    with serving(NoModelList, tls) as address:
        job.url = f"https://{address}/v1"
        assert job.command("check") == 4
        shown = capsys.readouterr().err
        assert "is there, but its certificate is not trusted: give a PEM file with the authority that signed it as ca_bundle" in shown
        assert "is the server up" not in shown
        assert "within" not in shown
        # with a model and without a key the endpoint is not asked before the first row
        assert job.command("run", "--model=m", "--first_answer_patience=1000", "--outage_patience=1000") == 4
        assert "give a PEM file with the authority that signed it as ca_bundle" in capsys.readouterr().out
        assert job.command("check", f"--ca_bundle={authority}") == 0


def test_an_https_address_of_a_server_without_tls_is_said_at_once(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(NoModelList) as address:
        job.url = f"https://{address}/v1"
        assert job.command("check", "--first_answer_patience=1000") == 4
        said = "this port does not speak TLS: the address probably begins with http://, not https://"
        assert said in capsys.readouterr().err
        assert job.command("run", "--model=m", "--first_answer_patience=1000", "--outage_patience=1000") == 4
        assert said in capsys.readouterr().out


class Saying(NoModelList):
    """Answers everything alike."""

    status = 503
    body = b"<html><title>503 Service Unavailable</title></html>"
    posted = 0

    def answer(self, status: int) -> None:
        type(self).posted += self.command == "POST"
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)


@pytest.mark.parametrize(
    "said",
    [
        b"<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head><body><center>nginx</center></body></html>",
        b"Client sent an HTTP request to an HTTPS server.\n",
        b"<p>Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />Instead use the HTTPS scheme.</p>",
    ],
    ids=["nginx", "go", "apache"],
)
def test_a_plain_address_of_a_server_with_tls_is_said_at_once(job: Job, said: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    class SpeakingTls(Saying):
        status = 400
        body = said

    advice = "is there, but this port speaks TLS: the address must begin with https://, not http://"
    with serving(SpeakingTls) as address:
        job.url = f"http://{address}/v1"
        for arguments in (["check"], ["check", "--model=m"], ["run"], ["run", "--model=m", "--outage_patience=1000"]):
            assert job.command(*arguments, "--first_answer_patience=1000") == 4
            captured = capsys.readouterr()
            assert advice in captured.out + captured.err
            assert "no such model" not in captured.out + captured.err
            assert "\nready " not in captured.out
    assert SpeakingTls.posted < 45  # not every row was sent


@pytest.mark.parametrize("status", [500, 502, 503, 504, 530])
def test_check_does_not_say_ready_of_a_server_that_cannot_serve_yet(job: Job, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(type("Loading", (Saying,), {"status": status, "body": b'{"error":{"message":"Loading model"}}'})) as address:
        job.url = f"http://{address}/v1"
        assert job.command("check", "--model=m") == 0
        shown = capsys.readouterr().out
        assert f"answered status {status}" in shown
        assert "Loading model" in shown
        assert "warning     the endpoint is not shown to be ready" in shown
        assert ") answers;" not in shown
        assert shown.splitlines()[-1].startswith("ready       not shown")
        assert job.command("check", "--model=m", "--strict") == 2


class WithoutList(NoModelList):
    """A gateway that breaks at GET /models, and serves chats."""

    def do_GET(self) -> None:
        self.answer(503)


def test_a_broken_list_of_models_is_not_the_route_of_chats(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(WithoutList) as address:
        job.url = f"http://{address}/v1"
        assert job.command("check", "--model=m") == 0
        assert capsys.readouterr().out.splitlines()[-1].startswith("ready       beam-distill run")


@pytest.mark.fault("D18")
def test_a_proxy_that_cannot_reach_this_machines_server_is_named(
    job: Job, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Saying) as address:
        monkeypatch.setenv("http_proxy", f"http://{address}")
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        job.url = "http://localhost:9/v1"
        assert job.command("check", "--model=m") == 4
        assert "http_proxy, which applies to localhost too: set no_proxy=localhost to go past it" in capsys.readouterr().err
        job.url = "http://vllm:9/v1"
        assert job.command("check", "--model=m") == 0
        assert "set no_proxy=vllm to go past it" in capsys.readouterr().out
