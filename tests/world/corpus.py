"""Reads the responses in this folder: what providers document or send, one file each.

A file has ``source`` (provider and document, or an issue), ``status``, ``headers`` and the body: ``body`` (JSON), ``text`` or ``bytes``.
``row`` replaces the user's message of the request. What is expected:

kind, then, parameters, wait_s      a failure, and what becomes of the row (table ``THEN``)
answer, reason, completion_tokens,  a reply, the reason of its reject (none: an example),
refusal, wants_tools                and what else it carries
reads                               words that the person finds in the reject or the message
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from world.responding import Response

from transforms.elements.failures import ENDPOINT_REFUSES, REPHRASED, FailureKind, Then

RESPONSES = Path(__file__).parent / "responses"


def then(kind: FailureKind) -> str:
    """What happens to a row after this failure."""
    if kind.then is Then.SENT_AGAIN:
        return "sent again"
    if kind in ENDPOINT_REFUSES:
        return "stops the run"
    if kind in REPHRASED:
        return "sent again in other words"
    return "rejected"


@dataclass(frozen=True)
class Case:
    """One response and what is expected of it."""

    name: str
    fields: dict[str, Any]

    @property
    def response(self) -> Response:
        body = json.dumps(self.fields["body"]) if "body" in self.fields else self.fields.get("bytes", self.fields.get("text", ""))
        return Response(self.fields["status"], body.encode() if isinstance(body, str) else body, self.fields.get("headers", {}))

    @property
    def request(self) -> bytes:
        """The request that the response is for; it has every field that a teacher may refuse."""
        messages = [
            {"role": "system", "content": "Sum the article up in one sentence."},
            {"role": "user", "content": self.fields.get("row", "On Monday the river rose.")},
        ]
        sampling = {
            "max_tokens": 64,
            "temperature": 0.2,
            "top_p": 0.1,
            "frequency_penalty": 0.1,
            "presence_penalty": 0.1,
            "stop": ["END"],
        }
        return json.dumps({"model": "teacher", "messages": messages, **sampling}).encode()


def read_yaml(path: Path) -> Any:
    """With the parser in C where there is one: every test process reads some 400 of these files before its first test."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506


@lru_cache(maxsize=1)
def cases() -> tuple[Case, ...]:
    """Every file of the folder."""
    return tuple(Case(path.stem, read_yaml(path)) for path in sorted(RESPONSES.glob("*.yaml")))
