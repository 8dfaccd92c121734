"""Each identity source with each kind of endpoint, in every state of a token: the real library, with counted requests."""

from collections.abc import Iterable

import pytest
from azure_emulator.state import Scripted
from azure_jobs import ROUTES, SOURCES, AzureHost

from transforms.elements.failures import StopCause
from transforms.elements.replies import ScoredRow
from transforms.teacher.kinds.registry import EndpointKind

REFUSALS_UNTIL_BELIEVED = 3  # transforms/teacher/health.py: one 403 can be a gateway's hiccup
OWN_QUESTION = 1  # so that the endpoint refuses, not a filter for one row

pytestmark = pytest.mark.parametrize("kind", list(EndpointKind), ids=lambda kind: kind.value)
every_source = pytest.mark.parametrize("source", SOURCES)


def answered(rows: Iterable[ScoredRow]) -> bool:
    return all(row.replies and row.failure is None and row.stopped is None for row in rows)


def token_requests(host: AzureHost, source: str) -> int:
    """Each Arc token takes a challenge and its answer."""
    return host.state.counts()[source] // (2 if source == "arc" else 1)


@every_source
def test_fresh_many_callers_make_one_token_request(host: AzureHost, source: str, kind: EndpointKind) -> None:
    host.become(source)
    rows = host.lane(host.endpoint(kind)).send(8)
    assert answered(rows)
    assert len(rows) == 8
    assert token_requests(host, source) == 1
    assert host.state.counts()[ROUTES[kind]] == 8


@every_source
def test_expired_mid_run(host: AzureHost, source: str, kind: EndpointKind) -> None:
    host.become(source)
    lane = host.lane(host.endpoint(kind))
    first = lane.send(4)
    host.state.clock.ahead_s = 3700.0
    second = lane.send(4)
    assert answered(first + second)
    assert token_requests(host, source) == 2
    assert host.state.counts()[ROUTES[kind]] == 8


@every_source
def test_source_down_keeps_a_valid_token(host: AzureHost, source: str, kind: EndpointKind) -> None:
    host.become(source)
    lane = host.lane(host.endpoint(kind))
    first = lane.send(2)
    host.state.always[source] = Scripted(503)
    host.state.clock.ahead_s = 3400.0
    second = lane.send(2) + lane.send(2)
    assert answered(first + second)
    # the challenge of Arc is never reached while the agent is down
    expected = (2 if source == "arc" else 1) + 1
    host.wait_for(source, expected)
    assert host.state.counts()[source] == expected
    assert host.state.counts()[ROUTES[kind]] == 6


@every_source
def test_401_once_forces_one_new_token(host: AzureHost, source: str, kind: EndpointKind) -> None:
    host.become(source)
    host.state.script(ROUTES[kind], Scripted(401))
    rows = host.lane(host.endpoint(kind)).send()
    assert answered(rows)
    assert token_requests(host, source) == 2
    sent = [seen.headers["Authorization"] for seen in host.state.of(ROUTES[kind])]
    assert len(sent) == 2
    assert sent[0] != sent[1]


@every_source
def test_401_twice_stops(host: AzureHost, source: str, kind: EndpointKind) -> None:
    host.become(source)
    host.state.script(ROUTES[kind], Scripted(401), Scripted(401))
    (row,) = host.lane(host.endpoint(kind)).send()
    assert row.stopped is not None
    assert row.stopped.cause is StopCause.ENDPOINT_REFUSED
    assert "401" in row.stopped.detail
    assert token_requests(host, source) == 2
    assert host.state.counts()[ROUTES[kind]] == 2


@every_source
@pytest.mark.parametrize("status", [403, 404])
def test_refused(host: AzureHost, source: str, kind: EndpointKind, status: int) -> None:
    host.become(source)
    host.state.always[ROUTES[kind]] = Scripted(status)
    rows = host.lane(host.endpoint(kind)).send(REFUSALS_UNTIL_BELIEVED)
    for row in rows:
        assert row.stopped is not None
        assert row.stopped.cause is StopCause.ENDPOINT_REFUSED
        assert str(status) in row.stopped.detail
    assert token_requests(host, source) == 1
    assert host.state.counts()[ROUTES[kind]] == REFUSALS_UNTIL_BELIEVED + OWN_QUESTION


@every_source
def test_throttled(host: AzureHost, source: str, kind: EndpointKind) -> None:
    host.become(source)
    host.state.script(ROUTES[kind], Scripted(429, headers={"retry-after-ms": "20"}))
    rows = host.lane(host.endpoint(kind)).send()
    assert answered(rows)
    assert token_requests(host, source) == 1
    assert host.state.counts()[ROUTES[kind]] == 2
