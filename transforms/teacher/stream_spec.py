"""What is known beforehand of answers that come token by token."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class StreamMode(str, Enum):
    """When answers are asked for as streams, under the names that the input ``stream`` takes."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """When to stream, and how long a stream may be silent.

    ``first_token_s``: from sending to the first token, waiting in the server's queue and hidden thinking included. ``token_gap_s``: between one
    token and the next.
    """

    mode: StreamMode = StreamMode.AUTO
    first_token_s: float = 600.0
    token_gap_s: float = 120.0


@dataclass(frozen=True, slots=True)
class StreamAsk:
    """How one attempt asks for a stream. ``with_usage``: the tokens are to be counted in a last chunk."""

    with_usage: bool
    first_token_s: float
    token_gap_s: float

    def applied(self, body: bytes) -> bytes:
        """The request body, a JSON object, as it goes out. What the ledger has of the request stays as it is."""
        closing = b',"stream":true,"stream_options":{"include_usage":true}}' if self.with_usage else b',"stream":true}'
        return body[:-1] + closing
