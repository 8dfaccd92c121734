"""What a server says about its limits: how long to wait, and how much of a budget is left.

Waits are read in the order of the large clients: ``retry-after-ms``, ``x-ms-retry-after-ms``, then ``Retry-After`` in seconds or as
an HTTP date (RFC 9110, 10.2.3). Budgets are the ``x-ratelimit-*`` families for requests and tokens, whose resets are durations such as
``6m0s``, ``1.5s`` or ``120ms``, or plain seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS_PER_UNIT = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Budget:
    """One rate budget as last told: ``remaining`` of ``limit`` units, full again in ``reset_s`` seconds.

    Parts the server did not tell are None.
    """

    remaining: float
    limit: float | None = None
    reset_s: float | None = None


def retry_after_s(headers: Mapping[str, str], now_epoch_s: float) -> float | None:
    """The wait in seconds that the server asks for; None when it asks for none or in a form nobody knows."""
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        milliseconds = _number(headers.get(name))
        if milliseconds is not None:
            return max(0.0, milliseconds / 1000.0)
    told = headers.get("Retry-After")
    if told is None:
        return None
    seconds = _number(told)
    if seconds is not None:
        return max(0.0, seconds)
    try:
        moment = parsedate_to_datetime(told)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.fromtimestamp(now_epoch_s, timezone.utc)).total_seconds())


def read_budget(headers: Mapping[str, str], unit: str) -> Budget | None:
    """The budget for ``unit`` (``requests`` or ``tokens``); None when the server tells nothing believable of it."""
    remaining = _number(headers.get(f"x-ratelimit-remaining-{unit}"))
    if remaining is None or remaining < 0:
        return None
    limit = _number(headers.get(f"x-ratelimit-limit-{unit}"))
    if limit is not None and limit <= 0:
        limit = None
    return Budget(remaining, limit, duration_s(headers.get(f"x-ratelimit-reset-{unit}")))


def duration_s(text: str | None) -> float | None:
    """``1h2m3s``, ``120ms`` or plain seconds as seconds; None for anything else."""
    if text is None:
        return None
    plain = _number(text)
    if plain is not None:
        return plain if plain >= 0 else None
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        return None
    return sum(float(number) * _SECONDS_PER_UNIT[unit] for number, unit in parts)


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if -1e12 < number < 1e12 else None
