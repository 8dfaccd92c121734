"""The sources of identities on Azure's hosts: every kind of request, with strict checks of methods, versions and headers."""

import time
from datetime import datetime, timezone

from aiohttp import web
from azure_emulator.state import State

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SECRET = "identity-secret"


class IdentityRoutes:
    """Handlers by route name."""

    def __init__(self, state: State) -> None:
        self.state = state

    def _token(self, resource: str, client_id: str | None = None) -> web.Response:
        token, expires = self.state.issue(resource)
        fields = {
            "access_token": token,
            "token_type": "Bearer",
            "resource": resource,
            "expires_in": str(int(self.state.token_life_s)),
            "expires_on": str(expires),
            "not_before": str(int(time.time())),
            "ext_expires_in": str(int(self.state.token_life_s)),
        }
        if client_id:
            fields["client_id"] = client_id
        return web.json_response(fields)

    def _wrong(self, request: web.Request, version: str, header: tuple[str, str], client_name: str) -> web.Response | None:
        query = request.query
        if request.headers.get(header[0], "").lower() != header[1].lower():
            return web.json_response({"error": "invalid_request", "error_description": f"{header[0]} missing"}, status=400)
        if query.get("api-version") != version or "resource" not in query:
            return web.json_response({"error": "invalid_request", "error_description": "api-version or resource"}, status=400)
        if query.get(client_name) != self.state.client_id:
            return web.json_response({"error": "invalid_request", "error_description": "Identity not found"}, status=400)
        return None

    async def imds(self, request: web.Request) -> web.Response:
        wrong = self._wrong(request, "2018-02-01", ("Metadata", "true"), "client_id")
        return wrong or self._token(request.query["resource"], self.state.client_id)

    async def app_service(self, request: web.Request) -> web.Response:
        wrong = self._wrong(request, "2019-08-01", ("X-IDENTITY-HEADER", SECRET), "client_id")
        return wrong or self._token(request.query["resource"], self.state.client_id)

    async def azure_ml(self, request: web.Request) -> web.Response:
        wrong = self._wrong(request, "2017-09-01", ("secret", SECRET), "clientid")
        return wrong or self._token(request.query["resource"], self.state.client_id)

    async def cloud_shell(self, request: web.Request) -> web.Response:
        form = await request.post()
        if request.headers.get("Metadata") != "true" or set(form) != {"resource"}:
            return web.json_response({"error": {"code": "bad_request_102"}}, status=400)
        return self._token(str(form["resource"]))

    async def arc(self, request: web.Request) -> web.Response:
        wrong = self._wrong(request, "2020-06-01", ("Metadata", "true"), "client_id")
        if wrong is not None:
            return wrong
        if request.headers.get("Authorization") != f"Basic {self.state.arc_key}":
            return web.Response(status=401, headers={"WWW-Authenticate": f"Basic realm={self.state.arc_key_file}"})
        return self._token(request.query["resource"], self.state.client_id)

    async def on_behalf_of(self, request: web.Request) -> web.Response:
        if set(request.query) != {"resource"}:
            return web.json_response({"error": "resource"}, status=400)
        token, expires = self.state.issue(request.query["resource"])
        return web.json_response({"token": token, "expiresOn": datetime.fromtimestamp(expires, timezone.utc).isoformat()})

    async def workload(self, request: web.Request) -> web.Response:
        if request.scheme != "https":
            return web.json_response({"error": "tls"}, status=400)
        form = await request.post()
        scope = str(form.get("scope", ""))
        federated = form.get("client_assertion_type") == ASSERTION and form.get("client_assertion") == "federated-token"
        good = (
            form.get("grant_type") == "client_credentials"
            and (federated or form.get("client_secret") == SECRET)
            and form.get("client_id") == "client-1"
            and request.match_info["tenant"] == "tenant-1"
            and scope.endswith("/.default")
        )
        if not good:
            return web.json_response({"error": "invalid_client", "error_description": "AADSTS700211: no matching federation"}, status=401)
        token, _ = self.state.issue(scope.removesuffix("/.default"))
        life = int(self.state.token_life_s)
        # the library counts from its own clock, which no test moves
        return web.json_response(
            {"token_type": "Bearer", "expires_in": life + int(self.state.clock.ahead_s), "ext_expires_in": life, "access_token": token}
        )
