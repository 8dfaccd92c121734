"""A server's hints about its limits: how long to wait, and how much of a budget is left.

Waits are read in the order of the large clients: ``retry-after-ms``, ``x-ms-retry-after-ms``, then ``Retry-After`` in seconds or as
an HTTP date (RFC 9110, 10.2.3), then ``llm_provider-retry-after`` (LiteLLM's copy of its provider's header), then the time when a
spent budget is full again; without any of them, the body's text. Gateways also write durations, ISO dates and times since 1970.
Budgets are the ``x-ratelimit-*`` families for requests and tokens, whose resets are durations such as ``6m0s``, ``1.5s`` or
``120ms``, or plain seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

LONGEST_HINT = 64
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS_PER_UNIT = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_NUMBER_OF = r"\d+(?:\.\d+)? ?(?:milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d)"
_WAIT_IN_WORDS = re.compile(
    rf"(?:(?:try|retry|again|wait|reset\w*|available|allowed)\b[^.\n]{{0,40}}?\b(?:in|after|for) ~?|wait )"
    rf"((?:{_NUMBER_OF}(?![a-z]) ?,? ?(?:and )?)+)"
    r"|^(\d+(?:\.\d+)?)s$",
    re.MULTILINE,
)
_WAIT_IN_CHINESE = re.compile(r"(\d{1,6}(?:\.\d+)?) ?(毫秒|ms|秒|s|分钟|小时)钟? ?[之以]?后")
_CHINESE_UNITS = {"毫秒": 0.001, "ms": 0.001, "秒": 1.0, "s": 1.0, "分钟": 60.0, "小时": 3600.0}
_IN_WORDS = re.compile(rf"(?:{_NUMBER_OF} ?,? ?(?:and )?)+")
_SPENT = re.compile(r"(?:\br|remaining) ?= ?0\b.*?(?:\bt|reset) ?= ?(\d{1,9})\b")
"""An empty budget in the RateLimit header of the IETF's drafts, and when it is full again."""
_CLOCK_IN_WORDS = re.compile(r"\b(?:in|after) (?:(\d{1,3})\.)?(\d\d):(\d\d):(\d\d)\b")
"""Days, hours, minutes and seconds as .NET writes them, in Azure API Management's quotas."""
_RESETS = (
    ("x-rate-limit-reset-tokens", "x-ratelimit-remaining-tokens"),  # Azure OpenAI, which then sends no Retry-After
    ("x-rate-limit-reset-requests", "x-ratelimit-remaining-requests"),
    ("RateLimit-Reset", "RateLimit-Remaining"),  # IETF draft of RateLimit headers, Cloudflare, Kong
    ("X-RateLimit-Reset", "X-RateLimit-Remaining"),  # OpenRouter
)
_EARLIEST_MOMENT_S = 1e9
_EARLIEST_MOMENT_MS = 1e12
_WORDY_PART = re.compile(r"(\d+(?:\.\d+)?) ?(ms|milli|s|m|h|d)")


@dataclass(frozen=True, slots=True)
class RateBudget:
    """One rate budget as last reported: ``remaining`` of ``limit`` units, full again in ``reset_s`` seconds.

    Parts that the server does not report are None.
    """

    remaining: float
    limit: float | None = None
    reset_s: float | None = None


def retry_after_s(headers: Mapping[str, str], now_epoch_s: float) -> float | None:
    """The wait in seconds that the server asks for; None without one or in an unknown form."""
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        milliseconds = _number(headers.get(name))
        if milliseconds is not None:
            return max(0.0, milliseconds / 1000.0)
    asked = headers.get("Retry-After") or headers.get("llm_provider-retry-after")
    if asked is None:
        return _until_reset_s(headers, now_epoch_s)
    return wait_asked_s(asked, now_epoch_s)


def _until_reset_s(headers: Mapping[str, str], now_epoch_s: float) -> float | None:
    """The longest wait for a spent budget."""
    waits = [
        wait_s
        for reset, remaining in _RESETS
        if (_number(headers.get(remaining)) or 0.0) <= 0.0 and (wait_s := wait_asked_s(headers.get(reset), now_epoch_s)) is not None
    ]
    spent = _SPENT.search(headers.get("RateLimit", "")[: 4 * LONGEST_HINT])
    if spent is not None:
        waits.append(float(spent[1]))
    return max(waits, default=None)


def wait_asked_s(text: str | None, now_epoch_s: float) -> float | None:
    """The seconds in a header or a field of a body: a number, a duration or a time, as in RFC 9110 or otherwise.

    Very large numbers are times, in seconds or milliseconds since 1970. The first item of a list counts; proxies join headers.
    """
    if text is None:
        return None
    text = text[:LONGEST_HINT].strip()
    if text[:1].isdigit():
        text = text.partition(",")[0].strip()
    seconds = _number(text)
    if seconds is not None:
        return max(0.0, _from_now_s(seconds, now_epoch_s))
    seconds = duration_s(text)
    if seconds is None and _IN_WORDS.fullmatch(text.lower()):
        seconds = _sum_of(text.lower())
    if seconds is not None:
        return seconds
    moment = _moment(text)
    return None if moment is None else max(0.0, moment.timestamp() - now_epoch_s)


def _moment(text: str) -> datetime | None:
    for read in (parsedate_to_datetime, lambda said: datetime.fromisoformat(said.replace("Z", "+00:00"))):
        with suppress(TypeError, ValueError, OverflowError):
            moment = read(text)
            return moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)
    return None


def _from_now_s(seconds: float, now_epoch_s: float) -> float:
    if seconds >= _EARLIEST_MOMENT_MS:
        seconds /= 1000.0
    return seconds - now_epoch_s if seconds >= _EARLIEST_MOMENT_S else seconds


def wait_in_words_s(message: str) -> float | None:
    """The wait in seconds that an error text asks for ("try again in 1m2.5s", "retry after 6 seconds"); the text in lower case.

    A line with only a number of seconds ("34s") is the ``retryDelay`` of Google's errors.
    """
    clock = _CLOCK_IN_WORDS.search(message)
    if clock is not None:
        days, hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return float(days * 86_400 + hours * 3_600 + minutes * 60 + seconds)
    found = _WAIT_IN_WORDS.search(message)
    if found is None:
        chinese = _WAIT_IN_CHINESE.search(message)
        return None if chinese is None else float(chinese[1]) * _CHINESE_UNITS[chinese[2]]
    if found[2] is not None:
        return _number(found[2])
    return _sum_of(found[1])


def _sum_of(text: str) -> float:
    parts = _WORDY_PART.findall(text[:LONGEST_HINT])
    return sum(float(number) * _SECONDS_PER_UNIT["ms" if unit == "milli" else unit] for number, unit in parts)


def read_budget(headers: Mapping[str, str], unit: str, now_epoch_s: float) -> RateBudget | None:
    """The budget for ``unit`` (``requests`` or ``tokens``); None when the server reports no plausible one."""
    remaining = _number(headers.get(f"x-ratelimit-remaining-{unit}"))
    if remaining is None or remaining < 0:
        return None
    limit = _number(headers.get(f"x-ratelimit-limit-{unit}"))
    if limit is not None and limit <= 0:
        limit = None
    reset_s = duration_s(headers.get(f"x-ratelimit-reset-{unit}"))
    return RateBudget(remaining, limit, None if reset_s is None else max(0.0, _from_now_s(reset_s, now_epoch_s)))


def duration_s(text: str | None) -> float | None:
    """``1h2m3s``, ``120ms`` or plain seconds as seconds; None for anything else."""
    if text is None:
        return None
    plain = _number(text)
    if plain is not None:
        return plain if plain >= 0 else None
    if len(text) > LONGEST_HINT:
        return None
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        return None
    return sum(float(number) * _SECONDS_PER_UNIT[unit] for number, unit in parts)


def _number(text: str | None) -> float | None:
    if text is None or len(text) > LONGEST_HINT or "_" in text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if -1e13 < number < 1e13 else None  # milliseconds since 1970 are below it
