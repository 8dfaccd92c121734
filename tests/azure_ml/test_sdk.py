"""The independent client azure-ai-ml accepts the emulator's responses, and our client reads the same from them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from azure_emulator.arm_routes import a_deployment, a_serverless, an_online
from azure_emulator.identity_routes import SECRET
from azure_jobs import AzureHost

from transforms.azure.endpoints import find_endpoint
from transforms.azure.keys import kept_connection, kept_online_key, kept_serverless_key
from transforms.azure.resource_manager import ResourceManager


@pytest.mark.slow
def test_the_real_client_reads_the_emulator_as_we_do(host: AzureHost) -> None:
    host.become("app_service")
    uri = "https://s.eastus2.models.ai.azure.com"
    host.state.serverless["s"] = a_serverless(uri)
    host.state.online["o"] = an_online("https://o.eastus2.inference.ml.azure.com/score")
    host.state.online["t"] = an_online("https://t.eastus2.inference.ml.azure.com/score", authMode="AMLToken")
    host.state.deployments["o"] = [a_deployment("green"), a_deployment("blue")]
    host.state.endpoint_keys |= {"s": "KEY-S", "o": "KEY-O"}
    environment = {
        **os.environ,
        "IDENTITY_ENDPOINT": f"{host.emulator.url}/msi/app_service",
        "IDENTITY_HEADER": SECRET,
        "AZUREML_DEV_URL_MFE": host.emulator.tls_url,  # the client sends no token over plain HTTP
        "REQUESTS_CA_BUNDLE": host.authority,
        "NO_PROXY": "127.0.0.1,localhost",
    }
    host.state.base_url = host.emulator.tls_url
    script = Path(__file__).parent / "sdk_client.py"
    ended = subprocess.run([sys.executable, str(script), uri], env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    reported = json.loads(ended.stdout.splitlines()[-1])

    host.state.base_url = host.emulator.url
    manager = ResourceManager(host.workspace, host.identity)
    serverless, online = find_endpoint(manager, "s"), find_endpoint(manager, "o")
    connection = kept_connection(host.workspace, host.identity, "made").get_blocking().value
    assert reported["connection"] == [connection.target, connection.key.value] == [uri, "KEY-9"]
    assert reported["serverless"][:2] == [serverless.address, serverless.model_id]
    assert reported["serverless_key"] == kept_serverless_key(host.workspace, host.identity, "s").get_blocking().value.value == "KEY-S"
    assert reported["online"][0] == online.address
    assert reported["online"][1] == online.auth_mode
    assert reported["online_key"] == kept_online_key(host.workspace, host.identity, "o").get_blocking().value.value == "KEY-O"
    assert reported["online_token"] is True
    assert dict(reported["deployments"])["blue"] == online.model_id
    assert reported["missing"] == "404"
