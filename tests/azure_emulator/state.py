"""The state of an emulator: requests seen, tokens issued, scripted responses, the clock."""

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

ARM = "https://management.azure.com"
AML = "https://ml.azure.com"
COGNITIVE = "https://cognitiveservices.azure.com"
PLAIN = "api://teacher"
WORKSPACE = "/subscriptions/sub-1/resourceGroups/group-1/providers/Microsoft.MachineLearningServices/workspaces/space-1"


class Clock:
    """The machine's time, moved forward by hand. It also replaces the module ``time`` where a secret's age is read."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self.monotonic = time.monotonic
        self.sleep = time.sleep

    def time(self) -> float:
        return time.time() + self.ahead_s


@dataclass
class Scripted:
    """One response that replaces the usual one, sent after ``hang_s``."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    hang_s: float = 0.0

    def response(self) -> web.Response:
        text = self.body if isinstance(self.body, str) else json.dumps(self.body if self.body is not None else {})
        return web.Response(status=self.status, text=text, headers=dict(self.headers), content_type=self.content_type)


@dataclass
class Seen:
    """One received request."""

    route: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class State:
    """Shared by every route; the tests read and write it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.seen: list[Seen] = []
        self.scripts: dict[str, list[Scripted]] = {}
        self.always: dict[str, Scripted] = {}
        self.token_life_s = 3600.0
        self.tokens: dict[str, tuple[str, float]] = {}
        self.keys = {"KEY-1"}
        self.client_id: str | None = None
        self.arc_key_file = ""
        self.arc_key = "arc-secret"
        self.connections: dict[str, dict[str, Any]] = {}
        self.serverless: dict[str, dict[str, Any]] = {}
        self.online: dict[str, dict[str, Any]] = {}
        self.deployments: dict[str, list[dict[str, Any]]] = {}
        self.endpoint_keys: dict[str, str] = {}
        self.info: Scripted | None = None
        self.style = "new"
        self.answer_s = 0.0
        self.answer: str | None = None
        self.base_url = ""

    def counts(self) -> Counter[str]:
        return Counter(seen.route for seen in self.seen)

    def of(self, route: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.route == route]

    def script(self, route: str, *answers: Scripted) -> None:
        self.scripts[route] = list(answers)

    def issue(self, resource: str) -> tuple[str, int]:
        """A token for ``resource`` and its expiry."""
        expires = int(self.clock.time() + self.token_life_s)
        token = f"tok-{len(self.tokens) + 1}|{resource}|{expires}"
        self.tokens[token] = (resource, expires)
        return token, expires

    def token_problem(self, token: str, audience: str) -> str | None:
        """Why ``token`` is not valid for ``audience``."""
        known = self.tokens.get(token)
        if known is None:
            return "unknown"
        if known[0] != audience:
            return "audience"
        return "expired" if known[1] <= self.clock.time() else None


def arm_error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message, "details": []}}, status=status)
