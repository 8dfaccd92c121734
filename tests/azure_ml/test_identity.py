"""The sources of a machine's identity, their failures, and how a token is kept."""

import asyncio
import os
import stat
import threading
import time
from pathlib import Path

import pytest
from azure_emulator.state import AML, ARM, Scripted
from azure_jobs import SOURCES, AzureHost

from transforms.azure.kept_secret import KeptSecret, Secret
from transforms.azure.moments import epoch_s_of
from transforms.azure.problems import AzureProblem
from transforms.azure.specs import IdentityRef
from transforms.azure.token_sources import request_token
from transforms.azure.tokens import forget_secrets, kept_token
from transforms.elements.failures import StopCause
from transforms.teacher.kinds.registry import EndpointKind

SCOPE = f"{AML}/.default"


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("status", "passing"), [(400, False), (403, False), (429, True), (500, True)])
def test_what_a_source_answers(host: AzureHost, source: str, status: int, passing: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    host.become(source)
    monkeypatch.setenv("PATH", "")  # no developer's tools
    host.state.always[source] = Scripted(status, {"error": "x", "error_description": "no"}, {"Retry-After": "7"})
    with pytest.raises(AzureProblem) as caught:
        request_token(host.identity, SCOPE)
    assert caught.value.passing is passing, caught.value
    assert host.state.counts()[source] == 1
    if passing:
        assert caught.value.status == status
        assert caught.value.retry_after_s == 7.0


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_that_is_not_there_is_an_outage(host: AzureHost, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host.become(source)
    for name in ("AZURE_POD_IDENTITY_AUTHORITY_HOST", "IDENTITY_ENDPOINT", "MSI_ENDPOINT", "OBO_ENDPOINT", "AZURE_AUTHORITY_HOST"):
        if os.environ.get(name):
            scheme = "https" if source == "workload" else "http"
            monkeypatch.setenv(name, f"{scheme}://127.0.0.1:1/nothing")
    with pytest.raises(AzureProblem) as caught:
        request_token(host.identity, SCOPE)
    assert caught.value.passing, caught.value


@pytest.mark.parametrize("source", ["imds", "app_service", "azure_ml", "on_behalf_of"])
def test_an_answer_without_a_token(host: AzureHost, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host.become(source)
    monkeypatch.setenv("PATH", "")
    host.state.always[source] = Scripted(200, "<html>sign in</html>", content_type="text/html")
    with pytest.raises(AzureProblem) as caught:
        request_token(host.identity, SCOPE)
    assert not caught.value.passing or source == "imds"


def test_each_source_asks_for_the_resource(host: AzureHost) -> None:
    host.become("azure_ml")
    request_token(host.identity, SCOPE)
    (seen,) = host.state.of("azure_ml")
    assert seen.query == {"api-version": "2017-09-01", "resource": AML, "clientid": "client-1"}


def test_a_client_id_in_the_settings_wins(host: AzureHost) -> None:
    host.become("azure_ml")
    host.state.client_id = "client-2"
    assert request_token(IdentityRef(client_id="client-2"), SCOPE).value in host.state.tokens


def test_a_user_identity_job_of_azure_ml_asks_on_behalf_of_the_user(host: AzureHost) -> None:
    host.become("on_behalf_of")
    host.monkeypatch.setenv("MSI_ENDPOINT", f"{host.emulator.url}/msi/azure_ml")
    host.monkeypatch.setenv("MSI_SECRET", "identity-secret")
    request_token(host.identity, SCOPE)
    assert host.state.counts() == {"on_behalf_of": 1}


def test_a_job_whose_identity_is_named_takes_that_then_the_user(host: AzureHost) -> None:
    host.become("azure_ml")
    host.become("on_behalf_of")
    request_token(host.identity, SCOPE)
    assert host.state.counts() == {"azure_ml": 1}
    host.state.always["azure_ml"] = Scripted(400, {"message": "no such identity"})
    request_token(host.identity, SCOPE)
    assert host.state.counts() == {"azure_ml": 2, "on_behalf_of": 1}


def test_a_named_source_is_the_only_one_tried(host: AzureHost) -> None:
    host.become("azure_ml")
    host.become("on_behalf_of")
    request_token(IdentityRef("on_behalf_of"), SCOPE)
    assert host.state.counts() == {"on_behalf_of": 1}


def test_a_developer_logged_in_with_the_azure_cli(host: AzureHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token, expires = host.state.issue(AML)
    program = tmp_path / "bin" / "az"
    program.parent.mkdir()
    answer = f'{{"accessToken": "{token}", "expires_on": {expires}, "expiresOn": "2099-01-01 00:00:00.000000"}}'
    program.write_text(f"#!/bin/sh\necho \"$@\" > {tmp_path}/asked\necho '{answer}'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    secret = request_token(IdentityRef("developer"), SCOPE)
    assert secret.value == token
    assert secret.expires_epoch_s == expires
    assert f"--resource {AML}" in (tmp_path / "asked").read_text()


def test_a_service_principal_of_the_environment(host: AzureHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", host.emulator.tls_url)
    monkeypatch.setenv("AZURE_TENANT_ID", "tenant-1")
    monkeypatch.setenv("AZURE_CLIENT_ID", "client-1")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "identity-secret")
    assert request_token(host.identity, SCOPE).value in host.state.tokens
    assert host.state.counts() == {"workload": 1}


def test_without_any_credential_the_message_says_what_was_tried(host: AzureHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(AzureProblem, match="az login") as caught:
        request_token(IdentityRef("developer"), SCOPE)
    assert "Azure CLI" in str(caught.value)
    assert not caught.value.passing


def test_two_scopes_are_two_tokens_for_the_process(host: AzureHost) -> None:
    host.become("imds")
    for _ in range(3):
        for scope in (SCOPE, f"{ARM}/.default"):
            kept_token(host.identity, scope).get_blocking()
    assert [resource for resource, _ in host.state.tokens.values()] == [AML, ARM]


def test_threads_and_loops_share_one_request(host: AzureHost) -> None:
    host.become("imds")
    host.state.script("imds", Scripted(500, hang_s=0.05))
    values: list[str] = []

    async def ask() -> None:
        values.extend(secret.value for secret in await asyncio.gather(*(token.get() for _ in range(20)), return_exceptions=False))

    token = kept_token(host.identity, SCOPE)
    with pytest.raises(AzureProblem):
        token.get_blocking()
    threads = [threading.Thread(target=lambda: asyncio.run(ask())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(values) == 80
    assert len(set(values)) == 1
    assert host.state.counts() == {"imds": 2}


def test_a_cancelled_waiter_leaves_the_fetch_to_the_others(host: AzureHost) -> None:
    host.become("imds")
    asked = threading.Event()
    answer = threading.Event()

    def fetch() -> Secret[str]:
        asked.set()
        answer.wait(10)
        return Secret("t", time.time() + 3600)

    async def both() -> str:
        kept = KeptSecret("token", fetch)
        first, second = asyncio.create_task(kept.get()), asyncio.create_task(kept.get())
        await asyncio.to_thread(asked.wait, 10)
        first.cancel()
        answer.set()
        assert (await asyncio.gather(first, return_exceptions=True))[0].__class__ is asyncio.CancelledError
        return (await second).value

    assert asyncio.run(both()) == "t"


def test_source_down_and_no_token_waits_and_goes_on(host: AzureHost) -> None:
    host.become("imds")
    host.state.script("imds", Scripted(503), Scripted(429, headers={"Retry-After": "1"}))
    rows = host.lane(host.endpoint(EndpointKind.ONLINE)).send(3)
    assert all(row.replies for row in rows)
    assert host.state.counts()["online"] == 3


def test_a_source_that_stays_down_ends_the_run_with_the_reason(host: AzureHost) -> None:
    host.become("app_service")
    host.state.always["app_service"] = Scripted(503)
    rows = host.lane(host.endpoint(EndpointKind.ONLINE), outage_s=1.0).send(3)
    assert all(row.stopped is not None and row.stopped.cause is StopCause.ENDPOINT_GONE for row in rows)
    assert rows[0].stopped is not None
    assert "no credential yet" in rows[0].stopped.detail
    assert host.state.counts()["online"] == 0


def test_no_identity_at_all_stops_at_once(host: AzureHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.become("app_service")
    monkeypatch.setenv("PATH", "")
    host.state.always["app_service"] = Scripted(400, {"message": "No User Assigned or Delegated Managed Identity found"})
    (row,) = host.lane(host.endpoint(EndpointKind.ONLINE)).send()
    assert row.stopped is not None
    assert row.stopped.cause is StopCause.ENDPOINT_REFUSED
    assert "No User Assigned" in row.stopped.detail
    assert host.state.counts() == {"app_service": 1}


def test_a_token_about_to_end_is_renewed_in_the_background(host: AzureHost) -> None:
    host.become("imds")
    lane = host.lane(host.endpoint(EndpointKind.ONLINE))
    lane.send()
    host.state.clock.ahead_s = 3400.0
    lane.send()
    host.wait_for("imds", 2)
    lane.send()
    used = [seen.headers["Authorization"] for seen in host.state.of("online")]
    assert used[0] == used[1] != used[2]
    assert host.state.counts() == {"imds": 2, "online": 3}


def test_closed_at_teardown(host: AzureHost) -> None:
    host.become("imds")
    token = kept_token(host.identity, SCOPE)
    token.get_blocking()
    forget_secrets()
    assert token.peek() is None
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("azure token")]


def test_a_secret_is_shown_nowhere(host: AzureHost) -> None:
    host.become("imds")
    secret = kept_token(host.identity, SCOPE).get_blocking()
    assert secret.value not in repr(secret)


def test_a_secret_that_arrives_after_its_loop_closed_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    answer = threading.Event()

    def fetch() -> Secret[str]:
        answer.wait(10)
        raise AzureProblem("down", passing=True)

    kept = KeptSecret("token late", fetch)

    async def leave() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(kept.get(), 0.01)

    asyncio.run(leave())
    answer.set()
    kept.close()
    assert "Traceback" not in caplog.text
    assert "never retrieved" not in caplog.text


@pytest.mark.parametrize(
    "moment",
    [1764000000, "1764000000", "2025-11-24T16:00:00Z", "2025-11-24T16:00:00.1234567+00:00", "2025-11-24T16:00:00", "2025-11-24T17:00:00+01:00"],
)
def test_moments_as_azure_writes_them(moment: object) -> None:
    assert epoch_s_of(moment) == 1764000000.0
