"""The recorder: takes answers from the event loop and says when each is safe on disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from transforms.elements.replies import FailureRecord, LedgerRecord
from transforms.ledger.avro_schema import FAILURE_SCHEMA, LEDGER_SCHEMA, as_datum
from transforms.ledger.storage import GATHER_S, DirectoryStorage, LedgerStorage

Token = TypeVar("Token")

QUIET_S = 1.0
"""Where sealing takes longer than this: so long nothing new comes before what was gathered is sealed early."""


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
        storage: LedgerStorage | None = None,
    ) -> None:
        # the seam: where the segments live, and how long records gather, is the storage's; everything else here is the same on all
        storage = storage or DirectoryStorage()
        self._sealing = storage.sealing
        self._answers = storage.writer(ledger_dir, run_id, LEDGER_SCHEMA)
        self._failures = storage.writer(failures_dir, run_id, FAILURE_SCHEMA)
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
                self._gather()
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

    def _gather(self) -> None:
        """Let records gather until it is time to seal them: at once after GATHER_S on a directory."""
        now_s = time.monotonic()
        due_s, quiet_s = now_s + self._sealing.after_s, now_s + QUIET_S
        seen = size = 0
        while True:
            time.sleep(min(GATHER_S, max(due_s - now_s, 0.0)))
            now_s = time.monotonic()
            if now_s >= due_s:
                return
            with self._changed:
                if self._closing:
                    return
                fresh = self._pending[seen:]
            if fresh:
                seen += len(fresh)
                size += sum(len(record.response) + len(record.payload) for record, _ in fresh if isinstance(record, LedgerRecord))
                quiet_s = now_s + QUIET_S
            if size >= self._sealing.after_bytes or now_s >= quiet_s:
                return

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
            except Exception as error:  # noqa: BLE001 - reported to whoever waits for these records, who knows a full disk from a defect
                self._error = error
        if self._error is None:
            self._on_safe(tokens)
        else:
            self._on_failed(tokens, self._error)
