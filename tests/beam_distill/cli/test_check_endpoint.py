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
