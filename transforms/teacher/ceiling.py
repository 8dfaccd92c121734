"""An endpoint that refuses (429) requests while its slots are taken: the number it takes, learned from what it refuses.

A refusal is about number where a request that left earlier is still on the wire, which shows that something was taken, and where more
than ``FEW`` are. All other refusals are about rate (``found_pace``). A rate limit that takes more than a few requests at a time also works as
a limit on number: answers make room as fast as its bucket refills.

Compared with the most requests that were taken at once lately, the refused request was

- one more: this is a cap, and no other client uses it. Stay a little below it, along CUBIC's curve (RFC 9438), then try it again.
- one of fewer: another client takes part of the cap, or it is lower now, or the refusal is chance. When the next request is refused as
  well, the number is cut by a larger share of itself, and grows by the same amount whatever it is, so that all clients end up with equal
  shares (Chiu and Jain 1989).
- one of far fewer (``FAR_FEWER``), or of fewer while a steady pace decided when it left: number does not explain it, so it is about rate.

It has no clock; every call passes the time in seconds.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

FEW = 2  # below, the steps of a number are too coarse to keep to a rate
CUT = 0.06
SHARED_CUT = 0.12
GROWTH = 4.0  # requests a latency, or a quarter of the number where that is less: until the number is back at what was refused
SHORTEST_RECOVERY_S = 0.25
SHORTEST_SHARED_RECOVERY_S = 1.0
UNKNOWN_LATENCY_S = 1.0
STOCK = 30.0  # refusals that may be spent at once on growing quickly, and what an answer adds
INCOME = 0.03
PATIENT_ROUNDS = 1.75  # latencies of a recovery where nothing is left to spend ...
PATIENT_ANSWERS = 60.0  # ... and at least this many answers
TAKEN_AFTER = 3.0  # times what a refusal takes to come back: then a request was taken
TAKEN_AFTER_S = 0.005
MEMORY_S = 5.0  # for once to twice this time, what was taken is remembered
MEMORY_ROUNDS = 4.0
FAR_FEWER = 0.8
PROBE_SPREAD = 1.25  # requests beyond what was taken leave at most this much closer together than all in a latency would, evenly spread
LATEST = 0.1  # weight of the latest answer in the mean


class _Sent(NamedTuple):
    """A request, and how many were on the wire with it as it left."""

    number: int
    place: int
    sent_s: float
    is_paced: bool


class Ceiling:
    """The most requests that one endpoint takes at a time. ``limit`` is infinite while nothing was refused for that."""

    def __init__(self) -> None:
        self.limit = math.inf
        self._peak = math.inf
        self._is_shared = False
        self._cut_s = -math.inf
        self._recovery_s = SHORTEST_RECOVERY_S
        self._stock = STOCK
        self._latency_s = 0.0
        self._refusal_s = 0.0
        self._on_the_wire: dict[int, _Sent] = {}
        self._unsettled: deque[_Sent] = deque()
        self._refused: set[int] = set()
        self._last_sent_s = 0.0
        self._latest = 0
        self._confirmed_from = math.inf  # the number of the first request that left after a refusal that may be chance
        self._most_taken = self._most_taken_before = 0
        self._memory_begins_s = 0.0

    def sent(self, number: int, now_s: float, in_flight: int, is_paced: bool = False) -> None:
        """Request ``number`` leaves, ``in_flight`` are on the wire with it; ``is_paced``: see ``FoundPace.sent``."""
        self._latest = number
        self._on_the_wire[number] = sent = _Sent(number, in_flight, now_s, is_paced)
        self._unsettled.append(sent)
        self._last_sent_s = now_s

    def delay_s(self, now_s: float, in_flight: int) -> float:
        """Seconds until one more may leave where there is room; 0 for now.

        One more than was taken lately leaves apart from others: then a refusal is not due to a burst, which a rate limit refuses as well.
        """
        if math.isinf(self.limit) or in_flight < self._most_lately:
            return 0.0
        return max(0.0, self._last_sent_s + self._latency_s / (PROBE_SPREAD * self.limit) - now_s)

    def ended(self, number: int) -> None:
        """It is on the wire no more."""
        self._on_the_wire.pop(number, None)

    def answered(self, number: int, now_s: float, latency_s: float) -> None:
        """It was answered."""
        self.ended(number)
        self._settle(now_s)
        self._stock = min(STOCK, self._stock + INCOME)
        self._latency_s += (latency_s - self._latency_s) * (LATEST if self._latency_s else 1.0)

    def refused(self, number: int, now_s: float) -> bool:
        """It was refused (429). True when that is answered here, by fewer at a time."""
        refused = self._on_the_wire.pop(number)
        took_s = now_s - refused.sent_s
        self._refusal_s = max(took_s, 0.9 * self._refusal_s)
        self._settle(now_s)
        self._refused.add(number)
        oldest = next(iter(self._on_the_wire.values()), None)
        if oldest is None or now_s - oldest.sent_s < 1.5 * took_s or refused.place <= FEW:
            return False
        is_shared = refused.place <= self._most_lately
        if refused.sent_s <= self._cut_s:
            self._peak = min(self._peak, float(len(self._on_the_wire)))  # whatever was taken is among these
        elif refused.place <= FAR_FEWER * self._most_lately or (is_shared and refused.is_paced):
            return False
        elif is_shared and number < self._confirmed_from:
            self._confirmed_from = min(self._confirmed_from, self._latest + 1)
        else:
            self._cut(refused.place - 1.0, is_shared, now_s)
        self.advance(now_s)
        return True

    @property
    def _most_lately(self) -> int:
        return max(self._most_taken, self._most_taken_before)

    def advance(self, now_s: float) -> None:
        """Let time pass."""
        if math.isinf(self._peak):
            return
        along = (now_s - self._cut_s) / self._recovery_s - 1.0
        if self._is_shared:
            beyond = max(1.0, SHARED_CUT * self._peak) * max(along, along**3)
        else:
            beyond = along**3 * (CUT * self._peak if along < 0.0 else max(1.0, CUT * self._peak))
        self.limit = max(1.0, math.floor(self._peak + beyond + 0.5))

    def _cut(self, peak: float, is_shared: bool, now_s: float) -> None:
        self._peak, self._is_shared, self._cut_s = peak, is_shared, now_s
        self._confirmed_from = math.inf
        growth = min(GROWTH, max(1.0, peak / 4.0))
        quick = SHARED_CUT * peak / growth if is_shared else max(0.5, CUT * peak) / growth
        patient = max(quick, PATIENT_ROUNDS, PATIENT_ANSWERS / peak)
        rounds = patient + (quick - patient) * self._stock / STOCK
        shortest_s = SHORTEST_SHARED_RECOVERY_S if is_shared else SHORTEST_RECOVERY_S
        self._recovery_s = max(shortest_s, rounds * (self._latency_s or UNKNOWN_LATENCY_S))
        self._stock = max(0.0, self._stock - 1.0)

    def _settle(self, now_s: float) -> None:
        """What was sent long enough ago was taken, if it was not refused."""
        if now_s - self._memory_begins_s > max(MEMORY_S, MEMORY_ROUNDS * self._latency_s):
            self._memory_begins_s = now_s
            self._most_taken, self._most_taken_before = 0, self._most_taken
        before_s = now_s - max(TAKEN_AFTER_S, TAKEN_AFTER * self._refusal_s)
        while self._unsettled and self._unsettled[0].sent_s <= before_s:
            sent = self._unsettled.popleft()
            if sent.number in self._refused:
                self._refused.discard(sent.number)
                continue
            self._most_taken = max(self._most_taken, sent.place)
            if sent.number >= self._confirmed_from:
                self._confirmed_from = math.inf
