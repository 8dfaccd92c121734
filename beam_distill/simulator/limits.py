"""Rate budgets as token buckets, and the headers that report them. Callers pass the time in seconds."""

from __future__ import annotations

import math
from email.utils import formatdate

from beam_distill.simulator.settings import RateLimits


class TokenBucket:
    """``capacity`` units, refilled by ``per_s`` units a second."""

    def __init__(self, capacity: float, per_s: float) -> None:
        self.capacity = capacity
        self.per_s = per_s
        self._level = capacity
        self._at_s: float | None = None

    def level(self, now_s: float) -> float:
        """Units left now."""
        if self._at_s is not None:
            self._level = min(self.capacity, self._level + (now_s - self._at_s) * self.per_s)
        self._at_s = now_s
        return self._level

    def take(self, now_s: float, units: float) -> None:
        """Take available units."""
        self._level = self.level(now_s) - units

    def wait_s(self, now_s: float, units: float) -> float:
        """Seconds until ``units`` are available; 0 for now."""
        return max(0.0, (min(units, self.capacity) - self.level(now_s)) / self.per_s)


class Budgets:
    """The request and token budgets of one endpoint."""

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self.requests: TokenBucket | None = None
        self.tokens: TokenBucket | None = None
        if limits.requests_per_second is not None:
            self.requests = TokenBucket(limits.burst or limits.requests_per_second, limits.requests_per_second)
        elif limits.requests_per_minute is not None:
            self.requests = TokenBucket(limits.burst or limits.requests_per_minute, limits.requests_per_minute / 60.0)
        if limits.tokens_per_minute is not None:
            self.tokens = TokenBucket(limits.tokens_per_minute, limits.tokens_per_minute / 60.0)

    def admit(self, now_s: float, tokens: float) -> float:
        """Charge one request with ``tokens``; 0 when admitted, else the seconds until it would be."""
        wait_s = 0.0
        if self.requests is not None:
            wait_s = self.requests.wait_s(now_s, 1.0)
        if self.tokens is not None:
            wait_s = max(wait_s, self.tokens.wait_s(now_s, tokens))
        if wait_s > 0:
            return wait_s
        if self.requests is not None:
            self.requests.take(now_s, 1.0)
        if self.tokens is not None:
            self.tokens.take(now_s, tokens)
        return 0.0

    def headers(self, now_s: float) -> dict[str, str]:
        """x-ratelimit-* for both budgets."""
        reported: dict[str, str] = {}
        if not self._limits.headers:
            return reported
        for unit, bucket in (("requests", self.requests), ("tokens", self.tokens)):
            if bucket is not None:
                level = bucket.level(now_s)
                reported[f"x-ratelimit-limit-{unit}"] = str(round(bucket.capacity))
                reported[f"x-ratelimit-remaining-{unit}"] = str(max(0, math.floor(level)))
                reported[f"x-ratelimit-reset-{unit}"] = duration_text((bucket.capacity - level) / bucket.per_s)
        return reported

    def hint(self, wait_s: float, epoch_s: float) -> dict[str, str]:
        """The headers of a 429 about when to retry."""
        if self._limits.hint == "seconds":
            return {"retry-after": str(math.ceil(wait_s))}
        if self._limits.hint == "ms":
            return {"retry-after-ms": str(math.ceil(wait_s * 1000)), "retry-after": str(math.ceil(wait_s))}
        if self._limits.hint == "date":
            return {"retry-after": formatdate(math.ceil(epoch_s + wait_s), usegmt=True)}
        return {}


def duration_text(seconds: float) -> str:
    """``120ms``, ``1.5s`` or ``6m0s``."""
    if seconds < 1.0:
        return f"{math.ceil(seconds * 1000)}ms"
    if seconds < 60.0:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{int(seconds // 60)}m{seconds % 60:.0f}s"
