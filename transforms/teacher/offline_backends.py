"""A tunnel or a hosting's front that answers in the place of a server which is offline: an outage, whatever its status."""

from __future__ import annotations

import re
from collections.abc import Mapping

STATUSES = frozenset({404, 502, 503, 530})
_LOOKED_AT_BYTES = 64 * 1024
_BY_HEADER = (
    ("ngrok-error-code", re.compile(r"ERR_NGROK_(?:3200|8012)\b"), "the ngrok tunnel"),
    ("x-railway-fallback", re.compile("true", re.IGNORECASE), "Railway"),
    ("x-render-routing", re.compile("no-server"), "Render"),
)
_BY_PAGE = (  # ngrok: of its many codes only those of an agent, or a server behind it, that is not there
    (re.compile(rb"\bERR_NGROK_(?:3200|8012)\b"), "the ngrok tunnel"),
    (re.compile(rb"\s*(?:404|503) - Tunnel Unavailable\s*$"), "localtunnel"),
    (re.compile(rb"\s*error code: 1033\s*$|\bCloudflare Tunnel error\b", re.IGNORECASE), "the Cloudflare Tunnel"),
    (re.compile(rb"\bFaithfully yours, frp\b"), "the frp tunnel"),
    (re.compile(rb"\bNo interface is running right now\b"), "the Gradio share link"),
    (re.compile(rb"\bSpace (?:is|has been) (?:currently )?(?:paused|sleeping)\b", re.IGNORECASE), "the Hugging Face Space"),
)


def offline_backend(status: int, headers: Mapping[str, str], body: object) -> str | None:
    """The tunnel or hosting that says that the server behind it is offline; None for every other response.

    A body of JSON does not count: that comes from a server, and may repeat anything.
    """
    if status not in STATUSES:
        return None
    for header, value, name in _BY_HEADER:
        if value.match(headers.get(header, "")):
            return name
    if not isinstance(body, bytes) or body.lstrip()[:1] in (b"{", b"["):
        return None
    page = body[:_LOOKED_AT_BYTES]
    return next((name for words, name in _BY_PAGE if words.search(page)), None)
