"""Azure on this machine: one application over plain HTTP and over TLS, on two ports."""

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from aiohttp import web
from azure_emulator.arm_routes import ArmRoutes
from azure_emulator.data_planes import PLANES, DataPlanes
from azure_emulator.identity_routes import IdentityRoutes
from azure_emulator.state import Clock, Seen, State

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
WS = "/subscriptions/{sub}/{groups:resource[Gg]roups}/{group}/providers/Microsoft.MachineLearningServices/workspaces/{workspace}"


class Emulator:
    """A running emulator. ``url`` is its plain address, ``tls_url`` the one behind TLS; ``state`` is what tests read and write.

    One server serves many tests: ``fresh`` gives each a new state.
    """

    def __init__(self) -> None:
        self.state = State(Clock())
        self.url = ""
        self.tls_url = ""

    def fresh(self) -> State:
        self.state = State(Clock())
        self.state.base_url = self.url
        return self.state

    def application(self) -> web.Application:
        app = web.Application()

        def add(method: str, path: str, route: str, of: Callable[[State], Handler], arm: bool = False) -> None:
            async def handle(request: web.Request) -> web.StreamResponse:
                state = self.state
                body = await request.read()
                seen = Seen(route, request.method, request.path, dict(request.query), dict(request.headers), body)
                if route in _DATA and body == b"hello":
                    seen.route = "door"
                state.seen.append(seen)
                waiting = state.scripts.get(seen.route)
                scripted = waiting.pop(0) if waiting else state.always.get(seen.route)
                if scripted is not None:
                    if scripted.hang_s:
                        await asyncio.sleep(scripted.hang_s)
                    return scripted.response()
                refusal = ArmRoutes(state).refusal(request) if arm else None
                return refusal or await of(state)(request)

            app.router.add_route(method, path, handle)

        def identity(method: str, path: str, route: str) -> None:
            add(method, path, route, lambda state: getattr(IdentityRoutes(state), route))

        identity("GET", "/metadata/identity/oauth2/token", "imds")
        identity("GET", "/msi/app_service", "app_service")
        identity("GET", "/msi/azure_ml", "azure_ml")
        identity("POST", "/msi/cloud_shell", "cloud_shell")
        identity("GET", "/msi/arc", "arc")
        identity("GET", "/obo", "on_behalf_of")
        identity("POST", "/{tenant}/oauth2/v2.0/token", "workload")
        for method, path, route in (
            ("GET", "/connections/{name}", "connection"),
            ("PUT", "/connections/{name}", "connection"),
            ("POST", "/connections/{name}/{verb:listsecrets|listSecrets}", "list_secrets"),
            ("GET", "/serverlessEndpoints/{name}", "serverless"),
            ("POST", "/serverlessEndpoints/{name}/listKeys", "list_keys"),
            ("GET", "/onlineEndpoints/{name}", "online"),
            ("GET", "/onlineEndpoints/{name}/deployments", "deployments"),
            ("POST", "/onlineEndpoints/{name}/listKeys", "list_keys"),
            ("POST", "/onlineEndpoints/{name}/token", "token"),
        ):
            add(method, WS + path, f"arm {route}", lambda state, route=route: getattr(ArmRoutes(state), route), arm=True)  # type: ignore[misc]
        routes = [(method, path, plane.handler) for plane in PLANES.values() for method, path in plane.routes]
        for method, path, route in (*routes, ("GET", "/info", "info")):
            add(method, path, route, lambda state, route=route: getattr(DataPlanes(state), route))  # type: ignore[misc]
        return app


_DATA = frozenset(plane.handler for plane in PLANES.values())


@contextmanager
def running(tls: ssl.SSLContext) -> Iterator[Emulator]:
    """The emulator on a separate thread."""
    emulator = Emulator()
    ready = threading.Event()
    loop = asyncio.new_event_loop()

    async def start() -> web.AppRunner:
        runner = web.AppRunner(emulator.application(), access_log=None)
        await runner.setup()
        for context in (None, tls):
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
            await site.start()
            port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
            if context is None:
                emulator.url = f"http://127.0.0.1:{port}"
            else:
                emulator.tls_url = f"https://localhost:{port}"
        ready.set()
        return runner

    def run() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run, name="azure-emulator", daemon=True)
    thread.start()
    ready.wait()
    emulator.fresh()
    try:
        yield emulator
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
