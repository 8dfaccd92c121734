"""An Azure ML endpoint by its name: serverless first, then online."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from transforms.azure.problems import AzureProblem
from transforms.azure.resource_manager import ResourceManager

MOST_PAGES = 100


@dataclass(frozen=True, slots=True)
class FoundEndpoint:
    """An endpoint as the resource manager reports it.

    ``auth_mode`` is lower case: key, aad or keyandaad (serverless); key, amltoken or aadtoken (online). ``model_id`` is the deployed
    model's asset id, "" when it is not given. ``headers`` are required on every request.
    """

    name: str
    serverless: bool
    address: str
    auth_mode: str
    model_id: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def find_endpoint(manager: ResourceManager, name: str) -> FoundEndpoint:
    """The endpoint ``name``, which is ready. Online endpoints are tried only after a 404 for a serverless one.

    Raises AzureProblem when there is none, when it is not ready, or when Azure does not answer.
    """
    try:
        return _serverless(name, manager.get(f"/serverlessEndpoints/{quote(name, safe='')}"))
    except AzureProblem as problem:
        if problem.status != 404:
            raise
    try:
        fields = manager.get(f"/onlineEndpoints/{quote(name, safe='')}")
    except AzureProblem as problem:
        if problem.status != 404:
            raise
        raise AzureProblem(
            f"there is no serverless and no online endpoint {name} in {manager.workspace}; `az ml serverless-endpoint list` and "
            "`az ml online-endpoint list` show what there is",
            passing=False,
            status=404,
        ) from None
    return _online(name, fields, _deployments(manager, name))


def _serverless(name: str, fields: dict[str, Any]) -> FoundEndpoint:
    properties = _section(fields, "properties")
    _ready(f"serverless endpoint {name}", properties)
    state = str(properties.get("endpointState") or "")
    if state.lower() not in ("", "online", "unknown"):
        raise AzureProblem(f"serverless endpoint {name} is {state}, not Online; wait for it or reinstate it", passing=False)
    inference = _section(properties, "inferenceEndpoint")
    address = inference.get("uri")
    if not isinstance(address, str) or not address:
        raise AzureProblem(f"serverless endpoint {name} has no address yet (inferenceEndpoint.uri)", passing=False)
    headers = _section(inference, "headers")
    return FoundEndpoint(
        name,
        True,
        address,
        str(properties.get("authMode") or "Key").lower(),
        str(_section(properties, "modelSettings").get("modelId") or ""),
        tuple(sorted((str(key), str(value)) for key, value in headers.items())),
    )


def _deployments(manager: ResourceManager, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page = manager.get(f"/onlineEndpoints/{quote(name, safe='')}/deployments")
    for _ in range(MOST_PAGES):
        found.extend(item for item in page.get("value") or () if isinstance(item, dict))
        following = page.get("nextLink")
        if not following:
            return found
        page = manager.get(str(following))
    raise AzureProblem(f"online endpoint {name} lists its deployments over more than {MOST_PAGES} pages", passing=False)


def _online(name: str, fields: dict[str, Any], deployments: list[dict[str, Any]]) -> FoundEndpoint:
    properties = _section(fields, "properties")
    _ready(f"online endpoint {name}", properties)
    traffic = {str(key): share for key, share in _section(properties, "traffic").items()}
    full = [deployment for deployment in deployments if traffic.get(str(deployment.get("name"))) == 100]
    if len(full) != 1:
        reported = ", ".join(f"{key} {share} %" for key, share in sorted(traffic.items())) or "none"
        raise AzureProblem(
            f"online endpoint {name}: one deployment must take all the traffic, so that one teacher answers every row (traffic: {reported}); "
            f'`az ml online-endpoint update --name {name} --traffic "DEPLOYMENT=100"` sets it',
            passing=False,
        )
    deployed = _section(full[0], "properties")
    _ready(f"deployment {full[0].get('name')} of online endpoint {name}", deployed)
    address = properties.get("scoringUri")
    if not isinstance(address, str) or not address:
        raise AzureProblem(f"online endpoint {name} has no scoringUri yet", passing=False)
    return FoundEndpoint(name, False, address, str(properties.get("authMode") or "Key").lower(), str(deployed.get("model") or ""))


def _ready(what: str, properties: dict[str, Any]) -> None:
    state = str(properties.get("provisioningState") or "")
    if state.lower() != "succeeded":
        raise AzureProblem(f"{what} is not ready: its provisioningState is {state or 'not given'}, expected Succeeded", passing=False)


def _section(fields: dict[str, Any], name: str) -> dict[str, Any]:
    found = fields.get(name)
    return found if isinstance(found, dict) else {}
