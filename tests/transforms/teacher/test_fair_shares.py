"""Several processes on one endpoint that gives no hints: limit, ceiling and pace of each, against one bucket, on a clock of the test's own."""

import heapq
import itertools
import random

from transforms.teacher.ceiling import Ceiling
from transforms.teacher.found_pace import FoundPace
from transforms.teacher.limiter import AdaptiveLimit
from transforms.teacher.specs import ConcurrencySpec

REQUESTS_PER_S, BURST, ANSWER_S, REFUSAL_S = 100.0, 20.0, 0.2, 0.003


class _Process:
    """One scoring process with more rows than it can send."""

    def __init__(self) -> None:
        self.pace, self.limit, self.ceiling = FoundPace(), AdaptiveLimit(ConcurrencySpec()), Ceiling()
        self.sent = 0
        self.in_flight = 0
        self.woken_at_s: float | None = None
        self.answered_at_s: list[float] = []

    @property
    def most(self) -> float:
        return min(self.limit.limit, self.ceiling.limit)


def _answers(processes: int, later_s: float, until_s: float, seed: int) -> list[list[float]]:
    """When each process got its answers; each starts ``later_s`` after the one before."""
    chance, order = random.Random(seed), itertools.count()
    left, left_at_s = BURST, 0.0
    events: list[tuple[float, int, str, _Process, tuple[float, int, bool]]] = []
    every = [_Process() for _ in range(processes)]
    for number, process in enumerate(every):
        process.woken_at_s = number * later_s + chance.random() * 0.5
        heapq.heappush(events, (process.woken_at_s, next(order), "wake", process, (0.0, 0, False)))
    while events:
        now_s, _, what, process, (sent_s, number, admitted) = heapq.heappop(events)
        if now_s > until_s:
            break
        if what == "arrive":
            left, left_at_s = min(BURST, left + (now_s - left_at_s) * REQUESTS_PER_S), now_s
            admitted = left >= 1.0
            left -= admitted
            latency_s = (ANSWER_S if admitted else REFUSAL_S) * (1.0 + 0.02 * chance.random())
            heapq.heappush(events, (now_s + latency_s, next(order), "answer", process, (sent_s, number, admitted)))
            continue
        if what == "answer":
            process.in_flight -= 1
            if admitted:
                process.answered_at_s.append(now_s)
                process.pace.answered()
                process.limit.answered(now_s, now_s - sent_s, 5, process.in_flight + 1 >= process.most, number)
                process.ceiling.answered(number, now_s, now_s - sent_s)
            else:
                too_many = process.ceiling.refused(number, now_s)
                process.pace.refused(sent_s, now_s, another_limit=too_many)
                if not too_many:
                    process.limit.throttled(now_s, sent_s)
        elif process.woken_at_s != now_s:
            continue  # an earlier waking was put in its place
        else:
            process.woken_at_s = None
        while True:
            process.limit.advance(now_s)
            process.ceiling.advance(now_s)
            pause_s = 0.05
            if process.in_flight >= process.most:
                break
            pause_s = max(process.pace.delay_s(now_s), process.ceiling.delay_s(now_s, process.in_flight))
            if pause_s > 0.0:
                process.limit.not_binding()
                break
            process.in_flight += 1
            process.sent += 1
            leaving = (now_s, process.sent, False)
            process.ceiling.sent(leaving[1], now_s, process.in_flight, process.pace.sent(now_s))
            heapq.heappush(events, (now_s + 0.001 * (1.0 + chance.random()), next(order), "arrive", process, leaving))
        due_s = now_s + min(max(pause_s, 0.001), 1.0)
        if process.woken_at_s is None or due_s < process.woken_at_s:
            process.woken_at_s = due_s
            heapq.heappush(events, (due_s, next(order), "wake", process, (0.0, 0, False)))
    return [process.answered_at_s for process in every]


def _within(moments_s: list[float], from_s: float) -> int:
    return sum(moment >= from_s for moment in moments_s)


def test_a_process_that_comes_later_gets_its_share() -> None:
    shares = []
    for seed in range(8):
        answers = [_within(moments, 10.0) for moments in _answers(2, later_s=5.0, until_s=35.0, seed=seed)]
        assert sum(answers) >= 0.96 * 25 * REQUESTS_PER_S
        shares.append(min(answers) / sum(answers))
    assert min(shares) >= 0.36, shares
    assert sum(shares) / len(shares) >= 0.43, shares


def test_a_bad_start_is_made_up_for() -> None:
    # many refusals in the first half second: the pace must not end near nothing, where it grows slowly
    for seed in (86, 145, 82):
        answers = [_within(moments, 10.0) for moments in _answers(2, later_s=5.0, until_s=23.0, seed=seed)]
        assert min(answers) / sum(answers) >= 0.15, (seed, answers)


def test_a_process_alone_uses_what_there_is() -> None:
    for seed in range(3):
        (moments,) = _answers(1, later_s=0.0, until_s=30.0, seed=seed)
        assert _within(moments, 5.0) >= 0.96 * 25 * REQUESTS_PER_S
