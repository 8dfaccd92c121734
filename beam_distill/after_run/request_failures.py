"""The most frequent failures of a run's requests, with the server's messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from transforms.elements.failures import FailureKind
from transforms.elements.reasons import JUDGE_FAILED, NO_VERDICT
from transforms.web.redaction import printable

MOST = 3
LONGEST_WORDS = 300
MOST_DIFFERENT_MESSAGES = 1_000
"""A server with a new text in every message must not fill the memory: later messages count together."""
_KINDS = frozenset({JUDGE_FAILED, NO_VERDICT, *(kind.value for kind in FailureKind)})
_MESSAGE = re.compile(r'"(?:message|detail|msg|error_description|error)"\s*:\s*"((?:[^"\\]|\\.)+)')
_CHANGING = re.compile(r"[0-9a-f]{8,}(?:-[0-9a-f]+)*|\d+(?:[.,]\d+)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CommonFailure:
    """One kind of failure of ``rows`` rows; ``words`` is the first one's message."""

    reason: str
    rows: int
    words: str

    @property
    def sentence(self) -> str:
        """The failure on one line."""
        return f"{self.rows:,} x {self.reason}: {self.words}"


def holds_failures(reasons: Iterable[str]) -> bool:
    """Whether any of these reasons is a failed request, or a judge's reply without a score."""
    return not _KINDS.isdisjoint(reasons)


def most_frequent(rejects: Iterable[Mapping[str, Any]]) -> tuple[CommonFailure, ...]:
    """The most frequent failures among rejects, those of the most rows first. Messages that differ in numbers and ids count as one."""
    counts: dict[tuple[str, str], int] = {}
    first: dict[tuple[str, str], str] = {}
    for reject in rejects:
        reason = str(reject.get("reason"))
        if reason not in _KINDS:
            continue
        words = own_words(str(reject.get("detail") or ""))
        key = (reason, _CHANGING.sub("#", words))
        if key not in counts and len(counts) >= MOST_DIFFERENT_MESSAGES:
            continue
        counts[key] = counts.get(key, 0) + 1
        first.setdefault(key, words)
    ranked = sorted(counts, key=lambda key: (-counts[key], key))[:MOST]
    return tuple(CommonFailure(key[0], counts[key], first[key]) for key in ranked)


def own_words(detail: str) -> str:
    """The failure in a reject's detail, on one line; only the message of a JSON error."""
    head, brace, rest = detail.partition("{")
    said = _MESSAGE.search(rest) if brace else None
    if said is not None:
        detail = head + _decoded(said[1])
    words = " ".join(printable(detail).split())
    return words if len(words) <= LONGEST_WORDS else words[:LONGEST_WORDS] + "…"


def _decoded(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text
