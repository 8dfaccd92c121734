"""The summary and the report quote the server's messages for failed requests."""

import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from builders import questions
from jobs import Job
from local_server import serving

KEY = "made-up-key-0123456789"


class Refusing(BaseHTTPRequestHandler):
    """Refuses every chat because of a setting; its message has the caller's key and control characters."""

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        fields = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        number = str(fields["messages"][-1]["content"]).split()[2]
        words = f"logit_bias must be a map \x1b[31m(request 4f{number}0a9b8c7d6e5f, key {self.headers['Authorization']})"
        if number == "3":
            words = "the row of 3 is not accepted"
        body = json.dumps({"error": {"message": words, "type": "invalid_request_error", "code": None}}).encode()
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_summary_and_report_say_what_the_server_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_OF_TEST", KEY)
    job = Job(tmp_path)
    job.train(questions(4))
    job.validation(questions(2, start=100))
    with serving(Refusing) as address:
        job.url = f"http://{address}/v1"
        assert job.run("--model=m", "--api_key_env=KEY_OF_TEST", "--report=true") == 3
    shown = capsys.readouterr().out
    said = [line for line in shown.splitlines() if line.startswith("failed")]
    assert len(said) == 2
    assert said[0].startswith("failed      5 x bad_request: ")
    assert "logit_bias must be a map ·[31m(request 4f" in said[0]
    assert "[secret]" in said[0]
    assert said[1].startswith("failed      1 x bad_request: ")
    assert said[1].endswith("the row of 3 is not accepted")
    assert [failure["rows"] for failure in job.record()["failures"]] == [5, 1]
    report = (job.work_dir / "report.html").read_text(encoding="utf-8")
    assert "logit_bias must be a map" in report
    assert "the row of 3 is not accepted" in report
    for text in (shown, report, (job.work_dir / "run.json").read_text()):
        assert KEY not in text
        assert "\x1b" not in text
