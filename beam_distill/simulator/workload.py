"""Slots and time: which requests run or wait, and how long an answer takes."""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import AsyncIterator

from beam_distill.simulator.settings import Capacity, Latency

SHORTEST_TICK_S = 0.02


class QueueFull(Exception):
    """Too many requests wait."""


class ServerSlots:
    """First come, first served; the number of slots may change while requests run."""

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity
        self.running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._slots = capacity.slots

    def at(self, elapsed_s: float) -> None:
        """Apply the capacity steps due ``elapsed_s`` seconds after the first request."""
        for after_s, slots in self._capacity.steps:
            if elapsed_s >= after_s:
                self._slots = slots
        self._admit()

    async def __aenter__(self) -> None:
        if self._slots is None or (self.running < self._slots and not self._waiting):
            self.running += 1
            return
        if self._capacity.queue_limit is not None and len(self._waiting) >= self._capacity.queue_limit:
            raise QueueFull
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise

    async def __aexit__(self, *error: object) -> None:
        self._leave()

    def _leave(self) -> None:
        self.running -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and (self._slots is None or self.running < self._slots):
            turn = self._waiting.popleft()
            if not turn.done():
                self.running += 1
                turn.set_result(None)


def planned_tokens(latency: Latency, text: str, limit: int | None, randomness: random.Random) -> int:
    """Completion tokens of an answer: drawn, or counted from the text; ``limit`` cuts."""
    if latency.completion_tokens > 0:
        tokens = max(1, round(lognormal(latency.completion_tokens, latency.completion_sigma, randomness)))
    else:
        tokens = count_tokens(text)
    return tokens if limit is None else min(tokens, limit)


def count_tokens(text: str) -> int:
    """A rough count: four letters a token."""
    return max(1, math.ceil(len(text) / 4))


def lognormal(mean: float, sigma: float, randomness: random.Random) -> float:
    """A lognormal draw with the given mean."""
    return randomness.lognormvariate(math.log(mean) - sigma * sigma / 2.0, sigma) if sigma > 0 else mean


async def take_time(latency: Latency, slots: ServerSlots, tokens: int, randomness: random.Random) -> None:
    """Wait for the answer's time."""
    if latency.mode == "zero":
        return
    async for _ in progress(latency, slots, tokens, randomness, in_steps=False):
        pass


async def progress(latency: Latency, slots: ServerSlots, tokens: int, randomness: random.Random, in_steps: bool = True) -> AsyncIterator[float]:
    """Wait for the answer's time; yields the elapsed share from time to time, finally 1. ``in_steps``: about once a token."""
    loop = asyncio.get_running_loop()
    if latency.mode == "per_token":
        await asyncio.sleep(latency.prefill_ms / 1000.0)
        left = float(tokens)
        at_s = loop.time()
        while left > 0:
            token_s = (latency.token_ms + latency.load_token_ms * slots.running) / 1000.0
            if token_s <= 0:
                break
            await asyncio.sleep(min(max(SHORTEST_TICK_S, token_s), left * token_s))
            now_s = loop.time()
            left -= (now_s - at_s) / token_s
            at_s = now_s
            if left > 0:
                yield 1.0 - left / tokens
    elif latency.mode != "zero":
        mean_s = latency.mean_ms / 1000.0
        whole_s = mean_s if latency.mode == "fixed" else lognormal(mean_s, latency.sigma, randomness)
        begun_s = loop.time()
        step_s = max(SHORTEST_TICK_S, whole_s / tokens) if in_steps else whole_s
        while (left_s := begun_s + whole_s - loop.time()) > 1e-6:
            await asyncio.sleep(min(step_s, left_s))
            yield min(1.0, (loop.time() - begun_s) / whole_s)
    yield 1.0
