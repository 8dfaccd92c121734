"""A lane of the scoring session: rows in and scored rows out, for one thread."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from typing import Protocol

from transforms.elements.failures import FailureKind
from transforms.elements.replies import ScoredRow, TeacherReply
from transforms.elements.rows import PromptRequest
from transforms.teacher.engine_counts import Snapshot
from transforms.teacher.in_progress import RowInProgress


class Session(Protocol):
    """The session that a lane belongs to."""

    def submit(self, rows: list[RowInProgress]) -> None: ...
    def feeds(self, lanes: int) -> None: ...
    def snapshot(self) -> Snapshot: ...
    def endpoint_news(self) -> tuple[dict[str, int], dict[str, FailureKind]]: ...
    def sign_news(self) -> dict[str, int]: ...
    def abandon(self, lane: Lane) -> None: ...


class Lane:
    """Rows in, scored rows out, for one thread."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._finished: queue.SimpleQueue[ScoredRow | BaseException] = queue.SimpleQueue()
        self.deliver: Callable[[ScoredRow], None] = self._finished.put
        self._outstanding = 0
        self._feeds = False

    def put(self, requests: list[tuple[PromptRequest, tuple[TeacherReply, ...]]]) -> None:
        """Score these requests, each with the ledger's replies to its first turns."""
        self._outstanding += len(requests)
        self._feed(True)
        self._session.submit([RowInProgress(request, self.deliver, replies) for request, replies in requests])

    def finished(self) -> Iterator[ScoredRow]:
        """The finished rows, without waiting."""
        while True:
            try:
                row = self._finished.get_nowait()
            except queue.Empty:
                return
            yield self._unpacked(row)

    def drain(self) -> Iterator[ScoredRow]:
        """All outstanding rows, as they finish; no more come before that."""
        self._feed(False)
        while self._outstanding:
            yield self._unpacked(self._finished.get())

    def left_out(self) -> tuple[str, ...]:
        """The fields that the session's teacher has refused so far."""
        return self._session.snapshot().left_out

    def endpoint_news(self) -> tuple[dict[str, int], dict[str, FailureKind]]:
        """The session's endpoint news that no lane has got before; see ``ScoringSession.endpoint_news``."""
        return self._session.endpoint_news()

    def sign_news(self) -> dict[str, int]:
        """The session's signs that no lane has got before; see ``ScoringSession.sign_news``."""
        return self._session.sign_news()

    def abandon(self) -> None:
        """Leave all outstanding rows to the session."""
        if self._outstanding:
            self._session.abandon(self)

    def _feed(self, feeds: bool) -> None:
        if feeds != self._feeds:
            self._feeds = feeds
            self._session.feeds(1 if feeds else -1)

    def fail(self, error: BaseException) -> None:
        """Raise this error instead of returning the next row."""
        self._finished.put(error)

    def _unpacked(self, row: ScoredRow | BaseException) -> ScoredRow:
        if isinstance(row, BaseException):
            raise row
        self._outstanding -= 1
        return row
