"""One emulator for all tests of Azure, a new state for each, and an environment that names no cloud."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure_emulator.certificates import make_certificates
from azure_emulator.server import Emulator, running
from azure_jobs import AzureHost

VARIABLES = (
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "OBO_ENDPOINT",
    "DEFAULT_IDENTITY_CLIENT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_AUTHORITY_HOST",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZUREML_ARM_SUBSCRIPTION",
    "AZUREML_ARM_RESOURCEGROUP",
    "AZUREML_ARM_WORKSPACE_NAME",
    "AZURE_SUBSCRIPTION_ID",
    "AZURE_RESOURCE_GROUP",
    "AZURE_WORKSPACE_NAME",
)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, object]:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def emulator(certificates: tuple[str, object]) -> Iterator[Emulator]:
    with running(certificates[1]) as emulator:  # type: ignore[arg-type]
        yield emulator


@pytest.fixture
def host(emulator: Emulator, certificates: tuple[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AzureHost:
    """A machine without any identity yet; the clock of secrets is the emulator's."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    state = emulator.fresh()
    monkeypatch.setattr("transforms.azure.kept_secret.time", state.clock)
    return AzureHost(emulator, state, certificates[0], tmp_path, monkeypatch)
