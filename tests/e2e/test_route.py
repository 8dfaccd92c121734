"""An address without a version: the existing route is found before rows are sent."""

import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from builders import questions
from jobs import Job
from local_server import serving


def teacher_at(route: str, asked: list[str]) -> type[BaseHTTPRequestHandler]:
    class Teacher(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(404, {"error": "not here"})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(self.path)
            if self.path != route:
                self._answer(404, {"error": "not here"})
            elif body == b"hello":
                self._answer(400, {"error": "no JSON"})
            else:
                message = {"role": "assistant", "content": "4"}
                self._answer(200, {"choices": [{"message": message, "finish_reason": "stop"}], "usage": {}})

        def _answer(self, status: int, fields: dict[str, object]) -> None:
            data = json.dumps(fields).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    return Teacher


@pytest.mark.fault("A8")
@pytest.mark.parametrize(
    ("base", "route"),
    [("/api", "/api/chat/completions"), ("/inference", "/inference/v1/chat/completions"), ("/api", "/api/v1/chat/completions")],
)
def test_the_existing_route_is_requested(tmp_path: Path, base: str, route: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[str] = []
    with serving(teacher_at(route, asked)) as place:
        job = Job(tmp_path, f"http://{place}{base}")
        job.train(questions(3))
        assert job.run("--model=m", "--quiet", "true") == 0
    assert asked.count(route) >= 4
    assert len(asked) - asked.count(route) <= 1
    assert len(job.train_output.read_text().splitlines()) == 3


@pytest.mark.fault("X-D")
@pytest.mark.parametrize(
    "body",
    ["[" * 100_000, '{"data": [{"id": "a\\ud83d"}]}', '{"data": {"id": 1}}', '{"data": [[[["x"]]]]}'],
    ids=["nested", "half", "map", "lists"],
)
def test_a_strange_list_of_models_is_ignored(tmp_path: Path, body: str) -> None:
    class Teacher(teacher_at("/v1/chat/completions", [])):  # type: ignore[misc]
        def do_GET(self) -> None:
            data = body.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    with serving(Teacher) as place:
        job = Job(tmp_path, f"http://{place}/v1")
        job.train(questions(1))
        assert job.run("--quiet", "true") == 0
