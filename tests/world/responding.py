"""A server that answers every request with the response that its path names."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Response:
    """One response as it is sent."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    responses: dict[str, Response]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    wbufsize = -1  # head and body in one packet

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        response = self.server.responses[self.path.split("/")[1]]
        self.send_response(response.status)
        for name, value in {"Content-Type": "application/json", **response.headers}.items():
            self.send_header(name, value)
        if response.status not in (204, 304):
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if response.status not in (204, 304):
            self.wfile.write(response.body)

    def log_message(self, *args: object) -> None: ...


@contextmanager
def responding(responses: dict[str, Response]) -> Iterator[str]:
    """The server's address; ``/NAME/v1/chat/completions`` gives the response of that name, which may be put in later."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.responses = responses
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
