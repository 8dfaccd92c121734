"""A teacher for one test: it answers every chat with the same text, and may do something at a chosen request."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class SmallTeacher(ThreadingHTTPServer):
    """``answered`` counts the requests; ``at_request`` has what is done before the request of that number is answered.
    ``asked_for`` lists every path that was asked for. ``says`` gives the text, finish_reason and usage of the answer to a payload,
    ``adds`` further fields of its body."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: str = "4") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.answered = 0
        self.at_request: dict[int, Callable[[], object]] = {}
        self.payloads: list[dict[str, object]] = []
        self.asked_for: list[str] = []
        self.counting = threading.Lock()
        self.says: Callable[[dict[str, Any]], tuple[str | None, str | None, dict[str, int] | None]] = self._says_the_same
        self.adds: Callable[[dict[str, Any]], dict[str, object]] = lambda _: {}

    def _says_the_same(self, _: dict[str, Any]) -> tuple[str | None, str | None, dict[str, int] | None]:
        return self.answer, "stop", {"prompt_tokens": 10, "completion_tokens": 2}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SmallTeacher

    def log_message(self, *_: object) -> None:
        pass

    def handle(self) -> None:
        with suppress(ConnectionError):  # a run that stops leaves requests open
            super().handle()

    def do_GET(self) -> None:
        self.server.asked_for.append(self.path)
        self._send({"data": [{"id": "m"}]})

    def do_POST(self) -> None:
        payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.counting:
            self.server.answered += 1
            self.server.asked_for.append(self.path)
            self.server.payloads.append(payload)
            self.server.at_request.pop(self.server.answered, lambda: None)()
        text, finish_reason, usage = self.server.says(payload)
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
        self._send({"choices": [choice], "usage": usage, **self.server.adds(payload)})

    def _send(self, fields: dict[str, object]) -> None:
        body = json.dumps(fields).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def small_teacher(answer: str = "4") -> Iterator[SmallTeacher]:
    """The teacher, until the context ends."""
    server = SmallTeacher(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


ONE_AT_A_TIME = ("--initial_worker_count=1", "--max_worker_count=1")


def by_try(says: Callable[[str, int], str]) -> Callable[[dict[str, Any]], tuple[str, str, dict[str, int]]]:
    """A teacher whose answer depends on the question and on how often it was asked before."""
    asked: Counter[str] = Counter()

    def answer(payload: dict[str, Any]) -> tuple[str, str, dict[str, int]]:
        question = payload["messages"][-1]["content"]
        asked[question] += 1
        return says(question, asked[question] - 1), "stop", {"prompt_tokens": 10, "completion_tokens": 2}

    return answer
