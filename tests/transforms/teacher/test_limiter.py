"""The adaptive limit against endpoints made of arithmetic: a clock moved by hand, no waiting."""

import heapq
import random

import pytest
from virtual_server import ServerModel, run_on_server

from transforms.teacher.limiter import AdaptiveLimit
from transforms.teacher.specs import ConcurrencySpec, PatienceSpec


class QueueingServer:
    """So many slots and a silent queue; service times are lognormal with a mean of one second."""

    def __init__(self, slots: int, seed: int = 1) -> None:
        self.slots = slots
        self._random = random.Random(seed)
        self.free_at = [0.0] * slots

    def finish(self, now_s: float) -> float:
        start = max(now_s, heapq.heappop(self.free_at))
        end = start + self._random.lognormvariate(-0.18, 0.6)
        heapq.heappush(self.free_at, end)
        return end


def drive(limit: AdaptiveLimit, server: QueueingServer, seconds: float) -> list[tuple[float, int, int]]:
    """Keep the limit full for ``seconds``; (time, limit, answers so far) every 50 ms."""
    history = []
    in_flight: list[tuple[float, float, bool, int]] = []
    now_s, answers, sent = 0.0, 0, 0
    while now_s < seconds:
        limit.advance(now_s)
        while len(in_flight) < limit.limit:
            full = len(in_flight) + 1 >= limit.limit
            sent += 1
            heapq.heappush(in_flight, (server.finish(now_s), now_s, full, sent))
        history.append((now_s, limit.limit, answers))
        tick_s = now_s + 0.05
        while in_flight and in_flight[0][0] <= tick_s:
            end_s, sent_s, full, number = heapq.heappop(in_flight)
            answers += 1
            limit.answered(end_s, end_s - sent_s, 0, full, number)
            limit.advance(end_s)
            while len(in_flight) < limit.limit:
                sent += 1
                heapq.heappush(in_flight, (server.finish(end_s), end_s, len(in_flight) + 1 >= limit.limit, sent))
        now_s = tick_s
    return history


@pytest.mark.parametrize("slots", [16, 64, 150])
def test_finds_the_plateau_of_a_silent_queue_within_seconds(slots: int) -> None:
    history = drive(AdaptiveLimit(ConcurrencySpec(5, 200)), QueueingServer(slots), 60.0)
    first_full = next(time_s for time_s, limit, _ in history if limit >= slots)
    assert first_full < 5.0
    # never starved afterwards, and in the end not far above what the server can use
    assert min(limit for time_s, limit, _ in history if time_s > 5.0) >= 0.9 * slots
    assert history[-1][2] >= 0.94 * slots * 60


def test_never_exceeds_the_maximum_and_starts_at_the_initial() -> None:
    history = drive(AdaptiveLimit(ConcurrencySpec(3, 20)), QueueingServer(500), 10.0)
    assert history[0][1] == 3
    assert max(limit for _, limit, _ in history) == 20


def test_the_maximum_overrides_the_initial() -> None:
    assert AdaptiveLimit(ConcurrencySpec(50, 8)).limit == 8


def test_a_single_429_changes_nothing_and_a_burst_counts_once() -> None:
    limit = AdaptiveLimit(ConcurrencySpec(5, 200))
    limit.advance(0.0)
    for number in range(15):
        limit.answered(0.005 * number, 0.05, 10, True, number)
    before = limit.limit
    assert not limit.throttled(0.16, 0.1)
    assert limit.throttled(0.17, 0.11)
    for _ in range(20):
        assert not limit.throttled(0.2, 0.15)  # sent before the event
    assert limit.limit == before  # fewer at a time is the ceiling's business, fewer a second the pace's


def test_a_small_server_is_not_left_with_a_long_queue() -> None:
    limit = AdaptiveLimit(ConcurrencySpec(5, 200))
    drive(limit, QueueingServer(16), 60.0)
    assert limit.limit <= 64


@pytest.mark.parametrize("seed", [2, 3])
def test_capacity_that_grows_is_found_again(seed: int) -> None:
    limit = AdaptiveLimit(ConcurrencySpec(5, 200))
    drive(limit, QueueingServer(32, seed), 30.0)
    assert limit.limit < 90
    history = drive_from(limit, QueueingServer(100, seed + 5), 30.0, 60.0)
    assert max(when for when, level, _ in history if level < 90) < 40.0


def drive_from(limit: AdaptiveLimit, server: QueueingServer, start_s: float, end_s: float) -> list[tuple[float, int, int]]:
    server.free_at = [start_s] * server.slots

    class Shifted:
        def __getattr__(self, name: str) -> object:
            return getattr(limit, name)

        def advance(self, now_s: float) -> None:
            limit.advance(now_s + start_s)

        def answered(self, now_s: float, *rest: object) -> None:
            limit.answered(now_s + start_s, *rest)  # type: ignore[arg-type]

    class ShiftedServer:
        def finish(self, now_s: float) -> float:
            return server.finish(now_s + start_s) - start_s

    history = drive(Shifted(), ShiftedServer(), end_s - start_s)  # type: ignore[arg-type]
    return [(time_s + start_s, level, answers) for time_s, level, answers in history]


@pytest.mark.fault("R1")
@pytest.mark.parametrize(("slots", "latency_s", "sigma"), [(8, 10.8, 0.0), (8, 10.8, 0.6), (16, 21.8, 0.0)])
def test_no_attempt_runs_out_of_time_in_our_own_queue(slots: int, latency_s: float, sigma: float) -> None:
    seen = run_on_server(ServerModel(latency_s, sigma, slots=slots), 400)
    assert seen.timed_out == []
    assert seen.paid_twice == 0
    assert seen.window_s <= 1.1 * seen.busy_s / slots


@pytest.mark.fault("R1")
def test_a_timeout_in_our_own_queue_is_not_an_outage() -> None:
    seen = run_on_server(ServerModel(3.0, 0.6, slots=8), 150, patience=PatienceSpec(attempt_s=20.0, longest_attempt_s=20.0))
    assert len(seen.timed_out) <= 40  # 85 before
    assert seen.reasons == {"answered": 150}
    assert seen.stopped == []
