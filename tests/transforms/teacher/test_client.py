"""One attempt over real HTTP: whatever the server does, the result is a reply or a failure, and no paid byte is lost."""

import asyncio
import gzip
import http.server
import re
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from local_server import serving

from transforms.elements.failures import FailureKind as Kind
from transforms.teacher.client import AttemptResult, TeacherClient
from transforms.teacher.excerpt import excerpt_of
from transforms.teacher.probe import probe_endpoint
from transforms.teacher.specs import CredentialKind, CredentialRef, EndpointSpec
from transforms.teacher.stream_assembly import KEPT_OF_NO_ANSWER_BYTES

ANSWER = b'{"choices":[{"message":{"content":"four"},"finish_reason":"stop"}]}'
REQUEST = b'{"messages":[{"role":"user","content":"What is 2 + 2?"}],"max_tokens":8}'


def ask(address: str, **endpoint: object) -> AttemptResult:
    async def once() -> AttemptResult:
        client = TeacherClient(EndpointSpec(chat_url=f"http://{address}/v1/chat/completions", **endpoint), 1)  # type: ignore[arg-type]
        try:
            return await asyncio.wait_for(client.send(REQUEST, 0, 1), 20)
        finally:
            await client.close()

    return asyncio.run(once())


@contextmanager
def raw_server(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that reads a request and then does what ``speak`` does with the connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                speak(connection)
        except OSError:
            pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()
        thread.join(10)


def sends(data: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(data)


def head(status: str = "200 OK", **headers: object) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{lines}\r\n".encode()


@pytest.mark.fault("G18")
def test_ids_go_both_ways() -> None:
    seen: list[dict[str, str]] = []

    class Teacher(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            self.send_header("apim-request-id", "their-id")
            self.send_header("Content-Length", str(len(ANSWER)))
            self.end_headers()
            self.wfile.write(ANSWER)

        def log_message(self, *args: object) -> None: ...

    with serving(Teacher) as address:
        results = [ask(address), ask(address)]
        ask(address, headers=(("user-agent", "mine/1"),))
    assert [result.response_id for result in results] == ["their-id", "their-id"]
    ids = [headers["x-ms-client-request-id"] for headers in seen]
    assert len(set(ids)) == 3
    assert [(uuid.UUID(text).version, uuid.UUID(text).variant) for text in ids] == [(4, uuid.RFC_4122)] * 3
    assert re.fullmatch(r"beam-distill/\d+\.\d+\.\d+", seen[0]["user-agent"])
    assert seen[2]["user-agent"] == "mine/1"


def test_what_a_response_says_about_tls_is_named_also_under_the_status_of_a_model_server() -> None:
    body = b"The plain HTTP request was sent to HTTPS port"
    refused = head("424 Failed Dependency", ms_azureml_model_error_statuscode=400, Content_Length=len(body)) + body
    with raw_server(sends(refused)) as address:
        failure = ask(address).failure
    assert failure is not None
    assert failure.kind is Kind.NO_TRUST
    assert failure.detail.startswith("this port speaks TLS")
    assert failure.detail.endswith("(status 424)")


@pytest.mark.fault("G18")
def test_a_failure_has_the_servers_id_too() -> None:
    with raw_server(sends(head("500 Oops", Content_Length=0, x_request_id="abc", cf_ray="1-FRA"))) as address:
        result = ask(address)
    assert result.failure is not None
    assert result.failure.response_id == result.response_id == "abc"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_redirect_is_not_followed_but_named(status: str) -> None:
    with raw_server(sends(head(status, Content_Length=0, Location="https://teacher.example/v1/chat/completions?code=SECRET"))) as address:
        failure = ask(address).failure
    assert failure is not None
    assert failure.kind is Kind.NOT_FOUND
    assert failure.detail == f"status {status[:3]}, a redirect to https://teacher.example/v1/chat/completions"


@pytest.mark.fault("D22")
@pytest.mark.parametrize("headers", [{"x-policy": "p" * 30_000}, {f"x-h{n}": str(n) for n in range(400)}], ids=["long", "many"])
def test_large_heads_are_read(headers: dict[str, str]) -> None:
    with raw_server(sends(head(Content_Length=len(ANSWER), **headers) + ANSWER)) as address:
        assert ask(address).reply is not None


def chunks_without_end(connection: socket.socket) -> None:
    connection.sendall(head(Transfer_Encoding="chunked"))
    while True:
        connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")


def error_without_end(connection: socket.socket) -> None:
    connection.sendall(head("400 Bad Request", Connection="close") + b'{"error":{"message":"prompt is too long"}}')
    while True:
        connection.sendall(b" " * 65536)


def bomb(connection: socket.socket) -> None:
    packed = gzip.compress(b" " * (60 * 1024 * 1024), 9)
    connection.sendall(head(Content_Encoding="gzip", Content_Length=len(packed)) + packed)


@pytest.mark.fault("T2", "T7", "X-C5")
@pytest.mark.parametrize("speak", [chunks_without_end, bomb, sends(head(Content_Length=10**12) + b"{")], ids=["endless", "bomb", "announced"])
def test_an_answer_without_end_is_too_large_at_once(speak: Callable[[socket.socket], None]) -> None:
    with raw_server(speak) as address:
        result = ask(address)
    assert result.failure is not None
    assert result.failure.kind is Kind.TOO_LARGE
    assert result.failure.status == 200
    assert len(result.body) <= KEPT_OF_NO_ANSWER_BYTES


@pytest.mark.fault("T2", "X-C5")
def test_an_error_without_end_is_read_to_its_bound() -> None:
    with raw_server(error_without_end) as address:
        result = ask(address)
    assert result.failure is not None
    assert result.failure.kind is Kind.CONTEXT_LENGTH_EXCEEDED


@pytest.mark.fault("T1")
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", Kind.CONNECTION_LOST),
        (b"\x00\x01\x02", Kind.CONNECTION_LOST),
        (b"HTTP/1.1 999999 What\r\n\r\n", Kind.CONNECTION_LOST),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\n", Kind.CONNECTION_LOST),
        (head(Content_Length="-1"), Kind.CONNECTION_LOST),
        (head(Content_Length=500) + ANSWER[:20], Kind.CONNECTION_LOST),
        (head(Transfer_Encoding="chunked") + b"zz\r\n", Kind.CONNECTION_LOST),
        (head(Content_Encoding="gzip", Content_Length=9) + b"not gzip!", Kind.CONNECTION_LOST),
        (head(Content_Encoding="br", Content_Length=9) + b"something", Kind.CONNECTION_LOST),
        (head("200 OK", Content_Length=0), Kind.BROKEN_BODY),
        (head("204 No Content"), Kind.NOT_FOUND),
        (head("302 Found", Location="http://[", Content_Length=0), Kind.NOT_FOUND),
        (head("429 Slow", Content_Length=0, Retry_After="Mon, 01 Jan 2024 00:00:00 +99999999999999999999"), Kind.THROTTLED),
        (head("424 Dep", Content_Length=0, ms_azureml_model_error_statuscode="²"), Kind.SERVER_ERROR),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_a_failure(data: bytes, kind: Kind) -> None:
    with raw_server(sends(data)) as address:
        result = ask(address)
    assert result.failure is not None
    assert result.failure.kind is kind


@pytest.mark.fault("D3")
def test_an_answer_that_is_whole_counts_although_the_connection_broke() -> None:
    with raw_server(sends(head(Content_Length=len(ANSWER) + 1) + ANSWER)) as address:
        result = ask(address)
    assert result.reply is not None
    assert result.reply.content == "four"
    assert result.body == ANSWER


@pytest.mark.fault("D3", "D15")
def test_the_result_of_a_paid_answer_is_kept() -> None:
    with raw_server(sends(head(Content_Length=500) + ANSWER[:20])) as address:
        assert ask(address).body == ANSWER[:20]
    with raw_server(sends(head(Content_Length=7) + b"<html>\n")) as address:
        assert ask(address).body == b"<html>\n"


def test_a_created_answer_is_an_answer() -> None:
    with raw_server(sends(head("201 Created", Content_Length=len(ANSWER)) + ANSWER)) as address:
        assert ask(address).reply is not None


def test_no_listener_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    result = ask(address)
    assert result.failure is not None
    assert result.failure.kind is Kind.CANNOT_CONNECT


@pytest.mark.parametrize("status", ["401 Unauthorized", "500 Oops", "200 OK"])
def test_a_key_that_the_server_quotes_is_not_shown(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    """llm-katan names the key that it was given and OpenAI most of it; the excerpt goes to the screen, the rejects and the ledger."""
    monkeypatch.setenv("TEACHER_KEY", "sesame-1234567")
    told = b'{"error":{"message":"invalid key: got \'sesame-1234567\' and header other-secret, as JSON"}}'
    credential = CredentialRef(CredentialKind.ENVIRONMENT, "TEACHER_KEY")
    with raw_server(sends(head(status, Content_Length=len(told)) + told)) as address:
        result = ask(address, credential=credential, headers=(("x-token", "other-secret"),))
    assert result.failure is not None
    assert result.failure.excerpt == '{"error":{"message":"invalid key: got \'[secret]\' and header [secret], as JSON"}}'
    assert b"sesame" not in result.body
    assert "sesame" not in result.failure.detail
    with raw_server(sends(head(status, Content_Length=len(told)) + told)) as address:
        endpoint = EndpointSpec(chat_url=f"http://{address}/v1/chat/completions", credential=credential)
        assert "sesame" not in repr(probe_endpoint(endpoint, 5))


@pytest.mark.fault("D3", "R12")
@pytest.mark.parametrize(
    ("body", "excerpt"),
    [
        (b"<html><style>p{color:red}</style><title>Sign in</title><p>to  go on</p></html>", "Sign in to go on"),
        (b'{"error":{"message":"\\u6b20\\u8d39"}}', '{"error": {"message": "欠费"}}'),
        (b'{"torn":"\\u6b20', '{"torn":"\\u6b20'),
        (b"<<", "<<"),
        (b"<p", "<p"),
        (b"x" * 2000, "x" * 600),
        (b"caf\xe9", "caf\ufffd"),
    ],
)
def test_the_beginning_of_a_body_can_be_read(body: bytes, excerpt: str) -> None:
    assert excerpt_of(body) == excerpt


@pytest.mark.parametrize(("status", "told"), [("503 Busy", True), ("407 Who", True), ("403 No", True), ("200 OK", True), ("400 Bad", False)])
def test_a_response_that_may_come_from_a_proxy_names_it(status: str, told: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    page = b"<html><title>Gateway</title></html>"
    with raw_server(sends(head(status, Content_Length=len(page)) + page)) as address:
        monkeypatch.setenv("http_proxy", f"http://me:secret@{address}")
        failure = ask("teacher.example").failure
    assert failure is not None
    assert "secret" not in failure.detail
    assert (f"through the proxy {address} (http_proxy)" in failure.detail) is told


def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    failure = ask("teacher.example").failure
    assert failure is not None
    assert failure.detail.endswith("through the proxy 127.0.0.1:9 (http_proxy)")
