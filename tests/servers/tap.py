"""A recorder between the command and a server: it forwards every byte unchanged and keeps requests and responses."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import socket
import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Exchange:
    """One request for an answer. ``status`` is 0 without a complete response."""

    request: dict[str, Any]
    status: int
    body: bytes

    @property
    def question(self) -> str:
        """The sent messages as JSON: two requests with the same messages are equal."""
        return json.dumps(self.request["messages"])


@dataclass
class _Line:
    """One connection's bytes, each way."""

    sent: bytearray = field(default_factory=bytearray)
    received: bytearray = field(default_factory=bytearray)


class Tap:
    """A port whose connections lead to ``port``. They are closed at once if no process listens there."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._lines: list[_Line] = []
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Tap:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # a blocked accept does not notice that its socket is closed
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for end in self._open:
            _close(end)

    def exchanges(self) -> list[Exchange]:
        """All requests for rows so far; those of one connection in their order.

        Every row of these tests has a system message. Requests without one are the engine's own questions during an outage.
        """
        read = (exchange for line in list(self._lines) for exchange in _read(bytes(line.sent), bytes(line.received)))
        return [exchange for exchange in read if exchange.request["messages"][0]["role"] == "system"]

    def answered(self) -> list[Exchange]:
        """Those that got a whole response of status 200."""
        return [exchange for exchange in self.exchanges() if exchange.status == 200]

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._port), timeout=5)
                server.settimeout(None)
            except OSError:
                _close(client)
                continue
            line = _Line()
            self._lines.append(line)
            self._open += [client, server]
            for source, target, kept in ((client, server, line.sent), (server, client, line.received)):
                threading.Thread(target=_carry, args=(source, target, kept), daemon=True).start()


def _carry(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            kept += data
            target.sendall(data)
    # one side is closed, so the other is closed too, like one connection
    _close(source)
    _close(target)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def _read(sent: bytes, received: bytes) -> list[Exchange]:
    exchanges, answers = [], _Stream(received)
    while sent:
        head, blank, rest = sent.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (text.partition(":") for text in fields)}
        length = int(headers.get("content-length", 0))
        if not blank or len(rest) < length:
            break
        body, sent = rest[:length], rest[length:]
        status, answer = answers.next(first.split()[0])
        with contextlib.suppress(ValueError):
            request = json.loads(body)
            if "messages" in request:
                exchanges.append(Exchange(request, status, answer))
    return exchanges


class _Stream(io.BytesIO):
    """The bytes of one connection, read as consecutive responses."""

    def makefile(self, *_: object, **__: object) -> _Stream:
        return self

    def close(self) -> None:
        """A response closes its file when it is read; the next one is in the same."""

    def next(self, method: str) -> tuple[int, bytes]:
        """Status and body of the next response; 0 if it is incomplete."""
        response = http.client.HTTPResponse(self, method=method)  # type: ignore[arg-type]
        try:
            response.begin()
            return response.status, response.read()
        except (http.client.HTTPException, OSError, ValueError):
            return 0, b""
