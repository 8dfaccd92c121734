"""Microsoft's own client against the emulator; ``test_sdk`` runs it in a separate process. Prints JSON."""

import json
import os
import sys

from azure.ai.ml import MLClient
from azure.ai.ml.entities import ServerlessConnection
from azure.core.exceptions import ResourceNotFoundError
from azure.identity import ManagedIdentityCredential


def main(uri: str) -> dict[str, object]:
    client = MLClient(ManagedIdentityCredential(), "sub-1", "group-1", "space-1")
    client.connections.create_or_update(ServerlessConnection(name="made", endpoint=uri, api_key="KEY-9"))
    read = client.connections.get("made", populate_secrets=True)
    serverless = client.serverless_endpoints.get("s")
    online = client.online_endpoints.get("o")
    try:
        client.serverless_endpoints.get("nowhere")
        missing = "found"
    except ResourceNotFoundError:
        missing = "404"
    return {
        "connection": [read.target, read.credentials.key],
        "serverless": [serverless.scoring_uri, serverless.model_id, serverless.provisioning_state],
        "serverless_key": client.serverless_endpoints.get_keys("s").primary_key,
        "online": [online.scoring_uri, online.auth_mode, online.traffic],
        "online_key": client.online_endpoints.get_keys("o").primary_key,
        "online_token": bool(client.online_endpoints.get_keys("t").access_token),
        "deployments": [[deployment.name, deployment.model] for deployment in client.online_deployments.list("o")],
        "missing": missing,
    }


if __name__ == "__main__":
    os.environ.setdefault("AZURE_ML_CLI_PRIVATE_FEATURES_ENABLED", "false")
    print(json.dumps(main(sys.argv[1])))
