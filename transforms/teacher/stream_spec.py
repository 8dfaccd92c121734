"""The settings for streamed answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class StreamMode(str, Enum):
    """When answers are streamed, with the values of the setting ``stream``."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """When to stream, and how long a stream may be silent.

    ``first_token_s``: from sending to the first token, including the server's queue and hidden thinking. ``token_gap_s``: between two
    tokens.
    """

    mode: StreamMode = StreamMode.AUTO
    first_token_s: float = 600.0
    token_gap_s: float = 120.0


@dataclass(frozen=True, slots=True)
class StreamAsk:
    """How one attempt asks for a stream. ``with_usage``: ask for the token counts in a last chunk."""

    with_usage: bool
    first_token_s: float
    token_gap_s: float

    def applied(self, body: bytes) -> bytes:
        """The request body, a JSON object, with the stream's fields. The ledger's copy of the request does not have them."""
        closing = b',"stream":true,"stream_options":{"include_usage":true}}' if self.with_usage else b',"stream":true}'
        return body[:-1] + closing
