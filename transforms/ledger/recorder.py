"""The recorder: takes answers from the event loop and says when each is safe on disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from transforms.elements.replies import FailureRecord, LedgerRecord
from transforms.ledger.schema import FAILURE_SCHEMA, LEDGER_SCHEMA, as_datum
from transforms.ledger.segments import SegmentWriter

Token = TypeVar("Token")

GATHER_S = 0.03
"""How long records are gathered before they are written and synced together. Longer delays the next turn of a conversation and
risks more answers on a crash; shorter costs more syncs, and a little CPU each."""


class Recorder(Generic[Token]):
    """One thread that writes and syncs records in groups.

    ``on_safe(tokens)`` is called on that thread with the tokens of records that are on disk; ``on_failed(tokens, error)`` with those
    that could not be written, after which nothing more is accepted.
    """

    def __init__(
        self,
        ledger_dir: str,
        failures_dir: str,
        run_id: str,
        on_safe: Callable[[list[Token]], None],
        on_failed: Callable[[list[Token], Exception], None],
    ) -> None:
        self._answers = SegmentWriter(ledger_dir, run_id, LEDGER_SCHEMA)
        self._failures = SegmentWriter(failures_dir, run_id, FAILURE_SCHEMA)
        self._on_safe = on_safe
        self._on_failed = on_failed
        self._pending: list[tuple[LedgerRecord | FailureRecord, Token]] = []
        self._changed = threading.Condition()
        self._closing = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="ledger-recorder", daemon=True)
        self._thread.start()

    def put(self, record: LedgerRecord | FailureRecord, token: Token) -> None:
        """Record ``record``; its ``token`` comes back through ``on_safe`` or ``on_failed``. Never waits for the disk."""
        with self._changed:
            self._pending.append((record, token))
            if len(self._pending) == 1:
                self._changed.notify()

    def close(self) -> None:
        """Write what is pending, close the segments and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._pending and not self._closing:
                    self._changed.wait()
                closing = self._closing
            if not closing:
                time.sleep(GATHER_S)
            with self._changed:
                group, self._pending = self._pending, []
            if group:
                self._write(group)
            elif closing:
                break
        for segment in (self._answers, self._failures):
            try:
                segment.close()
            except OSError as error:
                self._error = self._error or error

    def _write(self, group: list[tuple[LedgerRecord | FailureRecord, Token]]) -> None:
        tokens = [token for _, token in group]
        if self._error is None:
            try:
                answers = [as_datum(record) for record, _ in group if isinstance(record, LedgerRecord)]
                failures = [as_datum(record) for record, _ in group if isinstance(record, FailureRecord)]
                if answers:
                    self._answers.append(answers)
                    self._answers.sync()
                if failures:
                    self._failures.append(failures)
                    self._failures.sync()
            except Exception as error:  # noqa: BLE001 - told to whoever waits for these records, who knows a full disk from a defect
                self._error = error
        if self._error is None:
            self._on_safe(tokens)
        else:
            self._on_failed(tokens, self._error)
