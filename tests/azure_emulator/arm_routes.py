"""The resource manager: connections, serverless and online endpoints of one workspace."""

from datetime import datetime, timedelta, timezone
from typing import Any

from aiohttp import web
from azure_emulator.state import ARM, WORKSPACE, State, arm_error

API_VERSIONS = {
    "2024-10-01",
    # those that azure-ai-ml sends
    "2024-04-01-preview",
    "2024-01-01-preview",
    "2022-02-01-preview",
    "2023-04-01-preview",
    "2025-12-01",
}


class ArmRoutes:
    """Everything below the workspace."""

    def __init__(self, state: State) -> None:
        self.state = state

    def refusal(self, request: web.Request) -> web.Response | None:
        """The checks of every call."""
        reported = request.headers.get("Authorization", "")
        problem = self.state.token_problem(reported.removeprefix("Bearer "), ARM) if reported.startswith("Bearer ") else "missing"
        if problem == "audience":
            return arm_error(401, "InvalidAuthenticationTokenAudience", "The access token has been obtained for the wrong audience.")
        if problem == "expired":
            return arm_error(401, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time.")
        if problem is not None:
            return arm_error(401, "InvalidAuthenticationToken", "The access token is invalid.")
        version = request.query.get("api-version")
        if version is None:
            return arm_error(400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required.")
        if version not in API_VERSIONS:
            return arm_error(400, "NoRegisteredProviderFound", f"No registered resource provider found for API version '{version}'.")
        return None

    async def connection(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if request.method == "PUT":
            self.state.connections[name] = (await request.json())["properties"]
        found = self.state.connections.get(name)
        if found is None:
            return self._missing(f"connections/{name}")
        return web.json_response(self._resource(f"connections/{name}", {**found, "credentials": None}))

    async def list_secrets(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        found = self.state.connections.get(name)
        return self._missing(f"connections/{name}") if found is None else web.json_response(self._resource(f"connections/{name}", found))

    async def serverless(self, request: web.Request) -> web.Response:
        return self._get("serverlessEndpoints", self.state.serverless, request)

    async def online(self, request: web.Request) -> web.Response:
        return self._get("onlineEndpoints", self.state.online, request)

    async def list_keys(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        key = self.state.endpoint_keys.get(name)
        return self._missing(name) if key is None else web.json_response({"primaryKey": key, "secondaryKey": "OTHER"})

    async def token(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if self.state.online[name]["authMode"] != "AMLToken":
            return arm_error(400, "UserError", "the endpoint does not use AMLToken")
        token, expires = self.state.issue("aml-token")
        end = datetime.fromtimestamp(expires, timezone.utc)
        return web.json_response(
            {
                "accessToken": token,
                "tokenType": "Bearer",
                "expiryTimeUtc": int(end.timestamp()),
                "refreshAfterTimeUtc": int((end - timedelta(minutes=10)).timestamp()),
            }
        )

    async def deployments(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        found = self.state.deployments.get(name, [])
        start = int(request.query.get("$skip", "0"))
        page: dict[str, Any] = {"value": found[start : start + 1]}
        if start + 1 < len(found):
            version = request.query["api-version"]
            page["nextLink"] = f"{self.state.base_url}{WORKSPACE}/onlineEndpoints/{name}/deployments?api-version={version}&$skip={start + 1}"
        return web.json_response(page)

    def _get(self, kind: str, listed: dict[str, dict[str, Any]], request: web.Request) -> web.Response:
        name = request.match_info["name"]
        found = listed.get(name)
        return self._missing(f"{kind}/{name}") if found is None else web.json_response(self._resource(f"{kind}/{name}", found))

    def _resource(self, place: str, properties: dict[str, Any]) -> dict[str, Any]:
        kind, _, name = place.partition("/")
        return {
            "id": f"{WORKSPACE}/{place}",
            "name": name,
            "type": f"Microsoft.MachineLearningServices/workspaces/{kind}",
            "location": "eastus2",
            "kind": "Managed",
            "sku": {"name": "Consumption"},
            "tags": {},
            "properties": properties,
        }

    def _missing(self, place: str) -> web.Response:
        return arm_error(404, "ResourceNotFound", f"The Resource '{place}' under resource group 'group-1' was not found.")


def a_connection(target: str, key: str = "KEY-1", **changes: Any) -> dict[str, Any]:
    """A connection's properties with an API key."""
    return {"authType": "ApiKey", "category": "Serverless", "target": target, "credentials": {"key": key}, "metadata": {}, **changes}


def a_serverless(uri: str, **changes: Any) -> dict[str, Any]:
    """A serverless endpoint's properties, healthy."""
    return {
        "authMode": "Key",
        "provisioningState": "Succeeded",
        "endpointState": "Online",
        "inferenceEndpoint": {"uri": uri, "headers": {}},
        "modelSettings": {"modelId": "azureml://registries/azureml-meta/models/Meta-Llama-3.1-405B-Instruct"},
        **changes,
    }


def an_online(uri: str, **changes: Any) -> dict[str, Any]:
    """An online endpoint's properties, healthy, all traffic to ``blue``."""
    return {"authMode": "Key", "provisioningState": "Succeeded", "scoringUri": uri, "traffic": {"blue": 100, "green": 0}, **changes}


def a_deployment(name: str, **changes: Any) -> dict[str, Any]:
    """A deployment as it is listed, healthy."""
    model = "azureml://registries/azureml-meta/models/Meta-Llama-3.1-405B-Instruct/versions/1"
    return {
        "id": f"{WORKSPACE}/onlineEndpoints/e/deployments/{name}",
        "name": name,
        "location": "eastus2",
        "sku": {"name": "Default", "capacity": 1},
        "properties": {
            "endpointComputeType": "Managed",
            "model": model,
            "provisioningState": "Succeeded",
            "instanceType": "Standard_ND96amsr_A100_v4",
            "scaleSettings": {"scaleType": "Default"},
            "requestSettings": {"maxConcurrentRequestsPerInstance": 64, "requestTimeout": "PT1M30S"},
            **changes,
        },
    }
