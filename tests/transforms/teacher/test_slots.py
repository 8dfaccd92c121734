"""Slots: deadlines of attempts, and the alarm."""

import asyncio
from collections.abc import Awaitable, Callable

from builders import a_request

from transforms.elements.replies import ScoredRow
from transforms.teacher.in_progress import RowInProgress
from transforms.teacher.slots import Alarm, Slots


class Noted:
    """What happened to the rows of the slots, in order."""

    def __init__(self, send: Callable[[], Awaitable[object]]) -> None:
        self.events: list[str] = []
        self.defects: list[BaseException] = []
        self._send = send
        self.slots = Slots(self._use, lambda row: self.events.append("dropped"), self.defects.append)

    async def _use(self, row: RowInProgress, now_s: float) -> None:
        slot = asyncio.current_task()
        assert slot is not None
        self.slots.attempt_begins(slot, now_s + 10.0)
        try:
            await self._send()
            self.events.append("answered")
        except asyncio.CancelledError:
            if not self.slots.ran_out_of_time(slot):
                self.events.append("cancelled")
                raise
            self.events.append("out of time")
            await asyncio.sleep(0)  # it goes on with another row
            self.events.append("went on")


def _ignore(row: ScoredRow) -> None: ...


def a_sent_row() -> RowInProgress:
    return RowInProgress(a_request(), _ignore, ())


async def _rounds() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_only_an_overdue_attempt_is_ended_and_its_slot_goes_on() -> None:
    async def run() -> list[str]:
        noted = Noted(asyncio.Event().wait)
        noted.slots.open(a_sent_row(), now_s=0.0)
        await _rounds()
        noted.slots.cancel_overdue(10.0)
        await _rounds()
        assert noted.events == []
        noted.slots.cancel_overdue(10.1)
        await _rounds()
        return noted.events

    assert asyncio.run(run()) == ["out of time", "went on"]


def test_all_are_cancelled_and_one_that_has_not_begun_is_dropped() -> None:
    async def run() -> list[str]:
        noted = Noted(asyncio.Event().wait)
        noted.slots.open(a_sent_row(), now_s=0.0)
        await _rounds()
        noted.slots.open(a_sent_row(), now_s=0.0)
        await asyncio.gather(*noted.slots.cancel_all(), return_exceptions=True)
        await _rounds()
        return noted.events

    assert sorted(asyncio.run(run())) == ["cancelled", "dropped"]


def test_an_error_of_a_slot_is_reported() -> None:
    async def fail() -> None:
        raise RuntimeError("in our own code")

    async def run() -> list[BaseException]:
        noted = Noted(fail)
        noted.slots.open(a_sent_row(), now_s=0.0)
        await _rounds()
        return noted.defects

    assert [str(error) for error in asyncio.run(run())] == ["in our own code"]


def test_the_alarm_rings_once_at_the_earliest_of_its_times() -> None:
    async def run() -> list[str]:
        rung: list[str] = []
        has_rung = asyncio.Event()

        def ring() -> None:
            rung.append("rung")
            has_rung.set()

        alarm = Alarm(ring)
        alarm.set(3600.0)
        alarm.set(0.0)
        alarm.set(3600.0)
        await has_rung.wait()
        await _rounds()
        return rung

    assert asyncio.run(run()) == ["rung"]


def test_a_cancelled_alarm_does_not_ring() -> None:
    async def run() -> list[str]:
        rung: list[str] = []
        alarm = Alarm(lambda: rung.append("rung"))
        alarm.set(0.0)
        alarm.cancel()
        await _rounds()
        return rung

    assert asyncio.run(run()) == []
