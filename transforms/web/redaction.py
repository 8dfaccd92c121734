"""Removes our secrets and terminal control characters from responses.

A server that echoes a request's headers, in an error or in an answer, would otherwise put a key into ledger, rejects, report and log.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASKED = "[secret]"
SHORTEST_SECRET = 8
"""Shorter values are not replaced: no key is that short, and they would occur in normal text."""

_SCHEME = re.compile(r"(?:basic|bearer|digest|token|apikey|api-key|key)\s+", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Redactor:
    """Replaces the secrets of one endpoint in each form: plain, escaped in JSON or in an address, in base64."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: tuple[tuple[bytes, bytes], ...] = ()
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Add secrets; values of headers with and without the scheme's name before them."""
        forms = dict(self._forms)
        for secret in secrets:
            secret = _SCHEME.sub("", secret.strip(), count=1)
            # an ordinary word, used as key for servers without one, would be replaced in every answer
            if len(secret) >= SHORTEST_SECRET and not secret.isalpha():
                forms.update(dict.fromkeys(_forms(secret), MASKED.encode()))
        self._forms = tuple(sorted(forms.items(), key=lambda form: -len(form[0])))

    def body(self, body: bytes) -> bytes:
        """A body with every known secret replaced."""
        for form, masked in self._forms:
            if form in body:
                body = body.replace(form, masked)
        return body

    def text(self, text: str) -> str:
        """The same of a text."""
        return self.body(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass") if self._forms else text


def _forms(secret: str) -> set[bytes]:
    in_json = json.dumps(secret)[1:-1]
    forms = {text.encode() for text in (secret, in_json, in_json.replace("/", "\\/"), quote(secret), quote(secret, safe=""), quote_plus(secret))}
    raw = secret.encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            # base64 depends on the secret's offset: for each of the three offsets, the part that its neighbours cannot change
            encoded = encode(b"\x00" * before + raw)
            end = len(encoded) - (0, 3, 2)[(before + len(raw)) % 3]
            forms.add(encoded[(0, 2, 3)[before] : end])
    return {form for form in forms if len(form) >= SHORTEST_SECRET}


def printable(text: str) -> str:
    """Text from outside that is safe for a terminal: control characters, which could move the cursor or rename the window, become dots."""
    return _CONTROL.sub("·", text)
