"""A machine in Azure: its identity, the endpoints it may use, and rows sent through the real engine."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure_emulator.data_planes import PLANES
from azure_emulator.identity_routes import SECRET
from azure_emulator.server import Emulator
from azure_emulator.state import PLAIN, State
from builders import a_request

from transforms.azure.specs import IdentityRef, WorkspaceRef
from transforms.elements.replies import ScoredRow, TeacherReply
from transforms.elements.rows import PromptRequest
from transforms.teacher.kinds.registry import KINDS, EndpointKind
from transforms.teacher.lane import Lane
from transforms.teacher.row_steps import RowSteps
from transforms.teacher.session import shared_session
from transforms.teacher.specs import ConcurrencySpec, CredentialKind, CredentialRef, EndpointSpec, PatienceSpec, SamplingSpec, ScoringSpec

SOURCES = ("imds", "app_service", "azure_ml", "cloud_shell", "arc", "on_behalf_of", "workload")
ROUTES = {kind: plane.handler for kind, plane in PLANES.items()}


@dataclass
class AzureHost:
    """``become`` gives the machine an identity through its environment, as Azure does."""

    emulator: Emulator
    state: State
    authority: str
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def become(self, source: str) -> None:
        set_variable = self.monkeypatch.setenv
        url = self.emulator.url
        if source == "imds":
            set_variable("AZURE_POD_IDENTITY_AUTHORITY_HOST", url)
        elif source == "app_service":
            set_variable("IDENTITY_ENDPOINT", f"{url}/msi/app_service")
            set_variable("IDENTITY_HEADER", SECRET)
        elif source == "azure_ml":
            set_variable("MSI_ENDPOINT", f"{url}/msi/azure_ml")
            set_variable("MSI_SECRET", SECRET)
            set_variable("DEFAULT_IDENTITY_CLIENT_ID", "client-1")
            self.state.client_id = "client-1"
        elif source == "cloud_shell":
            set_variable("MSI_ENDPOINT", f"{url}/msi/cloud_shell")
        elif source == "arc":
            set_variable("IDENTITY_ENDPOINT", f"{url}/msi/arc")
            set_variable("IMDS_ENDPOINT", url)
            key_file = self.folder / "arc.key"
            key_file.write_text(self.state.arc_key)
            self.state.arc_key_file = str(key_file)
            # the library accepts key files only from the agent's folder, which belongs to root
            self.monkeypatch.setattr("azure.identity._credentials.azure_arc._get_key_file_path", lambda: str(self.folder))
        elif source == "on_behalf_of":
            set_variable("OBO_ENDPOINT", f"{url}/obo")
        elif source == "workload":
            token_file = self.folder / "federated"
            token_file.write_text("federated-token")
            set_variable("AZURE_AUTHORITY_HOST", self.emulator.tls_url)
            set_variable("AZURE_TENANT_ID", "tenant-1")
            set_variable("AZURE_CLIENT_ID", "client-1")
            set_variable("AZURE_FEDERATED_TOKEN_FILE", str(token_file))
        else:
            raise ValueError(source)

    def wait_for(self, route: str, count: int) -> None:
        """Wait until ``route`` has seen this many requests and no secret is being fetched: renewals run in the background."""
        deadline = time.monotonic() + 20.0
        while self.state.counts()[route] < count or any(thread.name.startswith("azure token") for thread in threading.enumerate()):
            assert time.monotonic() < deadline, f"{route} saw {self.state.counts()[route]} of {count} requests"
            time.sleep(0.005)

    @property
    def identity(self) -> IdentityRef:
        return IdentityRef(ca_bundle=self.authority)

    @property
    def workspace(self) -> WorkspaceRef:
        return WorkspaceRef("sub-1", "group-1", "space-1", self.emulator.url)

    def endpoint(self, kind: EndpointKind, credential: CredentialRef | None = None) -> EndpointSpec:
        """The emulator's endpoint of ``kind``, opened by this machine's identity unless said otherwise."""
        strategy = KINDS[kind]
        url = strategy.chat_url(self.emulator.url + PLANES[kind].address, "dep")
        scope = strategy.scope or f"{PLAIN}/.default"
        return EndpointSpec(url, "dep", kind, credential or CredentialRef(CredentialKind.IDENTITY, scope, identity=self.identity))

    def scoring(self, endpoint: EndpointSpec, max_new_tokens: int = 100, outage_s: float = 20.0) -> ScoringSpec:
        return ScoringSpec(
            endpoint,
            SamplingSpec(max_new_tokens=max_new_tokens),
            ConcurrencySpec(initial=16, maximum=16),
            PatienceSpec(attempt_s=20.0, outage_s=outage_s),
            str(self.folder / "ledger"),
            str(self.folder / "failures"),
            "run-1",
            seed=1,
        )

    def lane(self, endpoint: EndpointSpec, max_new_tokens: int = 100, outage_s: float = 20.0) -> "AzureLane":
        scoring = self.scoring(endpoint, max_new_tokens, outage_s)
        return AzureLane(shared_session(scoring, RowSteps(lambda request, replies: None)).lane())


class AzureLane:
    """Send this many rows and wait for them."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._sent = 0

    def send(self, count: int = 1) -> list[ScoredRow]:
        requests: list[tuple[PromptRequest, tuple[TeacherReply, ...]]] = []
        for _ in range(count):
            self._sent += 1
            requests.append((a_request(("user", f"row {self._sent}"), key=f"row-{self._sent}", line=self._sent), ()))
        self._lane.put(requests)
        return list(self._lane.drain())
