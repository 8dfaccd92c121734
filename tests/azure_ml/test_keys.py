"""Keys that Azure keeps, through the real identity library: read once, read again after a 401, every kind of connection."""

from typing import Any

import pytest
from azure_emulator.arm_routes import a_connection, an_online
from azure_emulator.state import ARM, Scripted
from azure_jobs import ROUTES, AzureHost

from transforms.azure.keys import kept_connection
from transforms.azure.problems import AzureProblem
from transforms.elements.failures import StopCause
from transforms.elements.replies import ScoredRow
from transforms.teacher.kinds.registry import KINDS, EndpointKind
from transforms.teacher.specs import CredentialKind, CredentialRef

SECRETS = "arm list_secrets"


def connection(host: AzureHost, **changes: Any) -> CredentialRef:
    host.become("imds")
    host.state.connections["teacher"] = a_connection(host.emulator.url, **changes)
    return CredentialRef(CredentialKind.CONNECTION, "teacher", host.workspace, host.identity)


def answered(rows: list[ScoredRow]) -> bool:
    return all(row.replies and row.failure is None and row.stopped is None for row in rows)


@pytest.mark.parametrize("kind", list(EndpointKind), ids=lambda kind: kind.value)
class TestConnectionMatrix:
    def test_fresh(self, host: AzureHost, kind: EndpointKind) -> None:
        assert answered(host.lane(host.endpoint(kind, connection(host))).send(8))
        assert host.state.counts() == {"imds": 1, SECRETS: 1, ROUTES[kind]: 8}
        sent = host.state.of(ROUTES[kind])[0].headers
        expected = KINDS[kind].key_headers("KEY-1")
        assert {name: sent.get(name) for name in expected} == expected
        assert ("Authorization" in sent) == ("Authorization" in expected)

    def test_a_key_rotated_mid_run_is_read_again(self, host: AzureHost, kind: EndpointKind) -> None:
        lane = host.lane(host.endpoint(kind, connection(host)))
        first = lane.send(2)
        host.state.keys = {"KEY-2"}
        host.state.connections["teacher"]["credentials"] = {"key": "KEY-2"}
        assert answered(first + lane.send(1))
        assert host.state.counts() == {"imds": 1, SECRETS: 2, ROUTES[kind]: 4}

    def test_source_down_keeps_the_key(self, host: AzureHost, kind: EndpointKind) -> None:
        lane = host.lane(host.endpoint(kind, connection(host)))
        first = lane.send(2)
        host.state.always["imds"] = host.state.always[SECRETS] = Scripted(503)
        host.state.clock.ahead_s = 7200.0
        assert answered(first + lane.send(2))
        assert host.state.counts()[SECRETS] == 1

    def test_401_twice_stops(self, host: AzureHost, kind: EndpointKind) -> None:
        host.state.script(ROUTES[kind], Scripted(401), Scripted(401))
        (row,) = host.lane(host.endpoint(kind, connection(host))).send()
        assert row.stopped is not None
        assert row.stopped.cause is StopCause.ENDPOINT_REFUSED
        assert host.state.counts() == {"imds": 1, SECRETS: 2, ROUTES[kind]: 2}

    @pytest.mark.parametrize("status", [403, 404])
    def test_refused(self, host: AzureHost, kind: EndpointKind, status: int) -> None:
        host.state.always[ROUTES[kind]] = Scripted(status)
        rows = host.lane(host.endpoint(kind, connection(host))).send(3)
        assert all(row.stopped is not None and str(status) in row.stopped.detail for row in rows)
        assert host.state.counts() == {"imds": 1, SECRETS: 1, ROUTES[kind]: 4}  # three rows and the engine's own question

    def test_throttled(self, host: AzureHost, kind: EndpointKind) -> None:
        host.state.script(ROUTES[kind], Scripted(429, headers={"retry-after-ms": "20"}))
        assert answered(host.lane(host.endpoint(kind, connection(host))).send())
        assert host.state.counts() == {"imds": 1, SECRETS: 1, ROUTES[kind]: 2}


def test_an_endpoint_token_is_renewed_before_it_ends(host: AzureHost) -> None:
    host.become("imds")
    host.state.online["teacher"] = an_online(host.emulator.url, authMode="AMLToken")
    endpoint = host.endpoint(EndpointKind.ONLINE, CredentialRef(CredentialKind.ONLINE_TOKEN, "teacher", host.workspace, host.identity))
    lane = host.lane(endpoint)
    first = lane.send(4)
    host.state.clock.ahead_s = 3700.0
    assert answered(first + lane.send(4))
    assert host.state.counts() == {"imds": 2, "arm token": 2, "online": 8}


@pytest.mark.parametrize(
    ("changes", "headers"),
    [
        ({"authType": "AccountKey"}, {"Authorization": "Bearer KEY-1"}),
        ({"credentials": {"key": " Bearer KEY-1\n"}}, {"Authorization": "Bearer KEY-1"}),
        ({"authType": "PAT", "credentials": {"pat": "KEY-1"}}, {"Authorization": "Bearer KEY-1"}),
        ({"authType": "CustomKeys", "credentials": {"keys": {"api-key": "KEY-1", "other": "x"}}}, {"Authorization": "Bearer KEY-1"}),
        ({"authType": "CustomKeys", "credentials": {"keys": {"anything": "KEY-1"}}}, {"Authorization": "Bearer KEY-1"}),
        (
            {"authType": "AccessKey", "credentials": {"accessKeyId": "Authorization", "secretAccessKey": "KEY-1"}},
            {"Authorization": "Bearer KEY-1"},
        ),
    ],
)
def test_kinds_of_connections_that_open_an_endpoint(host: AzureHost, changes: dict[str, Any], headers: dict[str, str]) -> None:
    assert answered(host.lane(host.endpoint(EndpointKind.ONLINE, connection(host, **changes))).send())
    sent = host.state.of("online")[0].headers
    assert {name: sent[name] for name in headers} == headers


def test_an_access_key_names_its_header(host: AzureHost) -> None:
    reference = connection(host, authType="AccessKey", credentials={"accessKeyId": "api-key", "secretAccessKey": "KEY-1"})
    assert answered(host.lane(host.endpoint(EndpointKind.AZURE_OPENAI, reference)).send())
    assert host.state.of("azure_openai")[0].headers["api-key"] == "KEY-1"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"authType": "OAuth2"}, "authType OAuth2"),
        ({"authType": "SAS"}, "recreate it"),
        ({"credentials": None}, "without credentials.key"),
        ({"credentials": {"key": ""}}, "without credentials.key"),
        ({"credentials": {"key": "KEY\n1"}}, "no header can carry"),
        ({"authType": "CustomKeys", "credentials": {"keys": {"a": "1", "b": "2"}}}, "name it api-key"),
    ],
)
def test_kinds_of_connections_that_open_none_stop_at_once(host: AzureHost, changes: dict[str, Any], said: str) -> None:
    (row,) = host.lane(host.endpoint(EndpointKind.ONLINE, connection(host, **changes))).send()
    assert row.stopped is not None
    assert row.stopped.cause is StopCause.ENDPOINT_REFUSED
    assert said in row.stopped.detail
    assert host.state.counts() == {"imds": 1, SECRETS: 1}


def test_a_refusal_names_the_role(host: AzureHost) -> None:
    reference = connection(host)
    error = {"error": {"code": "AuthorizationFailed", "message": "The client 'c' does not have authorization to perform action 'x'"}}
    host.state.always[SECRETS] = Scripted(403, error)
    with pytest.raises(AzureProblem, match="Workspace Connection Secrets Reader") as caught:
        kept_connection(host.workspace, host.identity, reference.place).get_blocking()
    assert "connections/listsecrets/action" in str(caught.value)
    assert not caught.value.passing
    assert host.state.counts() == {"imds": 1, SECRETS: 1}


def test_a_connection_that_is_not_there(host: AzureHost) -> None:
    connection(host)
    with pytest.raises(AzureProblem, match="az ml connection list"):
        kept_connection(host.workspace, host.identity, "other").get_blocking()


def test_arm_throttles_then_answers(host: AzureHost) -> None:
    reference = connection(host)
    host.state.script(SECRETS, Scripted(429, headers={"Retry-After": "1"}), Scripted(500))
    assert kept_connection(host.workspace, host.identity, reference.place).get_blocking().value.key.value == "KEY-1"
    assert host.state.counts() == {"imds": 1, SECRETS: 3}


def test_arm_refuses_a_token_once(host: AzureHost) -> None:
    reference = connection(host)
    host.state.script(SECRETS, Scripted(401, {"error": {"code": "ExpiredAuthenticationToken", "message": "expired"}}))
    assert kept_connection(host.workspace, host.identity, reference.place).get_blocking().value.key.value == "KEY-1"
    assert host.state.counts() == {"imds": 2, SECRETS: 2}
    assert {resource for resource, _ in host.state.tokens.values()} == {ARM}
    assert all(seen.method == "POST" and seen.query == {"api-version": "2024-10-01"} for seen in host.state.of(SECRETS))
