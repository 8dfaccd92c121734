"""One secret of a process: fetched by one thread at a time, renewed before it expires, kept while it is valid."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from transforms.azure.problems import AzureProblem

log = logging.getLogger("beam_distill.azure")

T = TypeVar("T")

LONGEST_MARGIN_S = 300.0  # Azure's own clients renew a token of an hour or more this long before it expires
MARGIN_SHARE = 0.2  # of a shorter lifetime
RENEWAL_PAUSE_S = 30.0  # between renewals of a secret that is still valid


@dataclass(frozen=True, slots=True)
class Secret(Generic[T]):
    """A credential's value. ``expires_epoch_s`` is when it expires, None for a key that does not."""

    value: T
    expires_epoch_s: float | None = None

    def __repr__(self) -> str:
        return f"Secret(***, expires_epoch_s={self.expires_epoch_s})"


class KeptSecret(Generic[T]):
    """Caches the result of ``fetch``. Safe from any thread and any event loop.

    ``fetch`` blocks and runs on a separate thread, once for all waiting callers. A valid secret is returned at once, also during its
    renewal and after a failed renewal. ``fetch`` raises AzureProblem.
    """

    def __init__(self, name: str, fetch: Callable[[], Secret[T]], clock: Callable[[], float] | None = None) -> None:
        self._name = name
        self._fetch = fetch
        self._clock = clock or (lambda: time.time())
        self._lock = threading.Lock()
        self._held: Secret[T] | None = None
        self._renew_epoch_s: float | None = None
        self._fetching: Future[Secret[T]] | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def peek(self) -> Secret[T] | None:
        """The secret if it is valid, without waiting; starts its renewal when that is due."""
        held = self._held
        if held is None:
            return None
        if self._renew_epoch_s is None:
            return held
        now = self._clock()
        if held.expires_epoch_s is not None and now >= held.expires_epoch_s:
            return None
        if now >= self._renew_epoch_s:
            self._ask()
        return held

    async def get(self) -> Secret[T]:
        """The current secret; waits when it has expired. A cancelled waiter does not end the fetch. Raises AzureProblem."""
        held = self.peek()
        if held is not None:
            return held
        asked = self._ask()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def set_done() -> None:
            if not done.done():
                done.set_result(None)

        def wake(_: Future[Secret[T]]) -> None:
            try:
                loop.call_soon_threadsafe(set_done)
            except RuntimeError:
                log.debug("%s came after its loop was closed", self._name)  # nobody waits for it any more

        asked.add_done_callback(wake)
        await done
        return asked.result()

    def get_blocking(self, patience_s: float = 0.0) -> Secret[T]:
        """As ``get``, for plain threads: retries passing problems for ``patience_s`` seconds."""
        deadline = time.monotonic() + patience_s
        pause_s = 0.25
        while True:
            try:
                return self.peek() or self._ask().result()
            except AzureProblem as problem:
                wait_s = max(pause_s, problem.retry_after_s or 0.0)
                if not problem.passing or time.monotonic() + wait_s > deadline:
                    raise
                time.sleep(wait_s)
                pause_s = min(4.0, 2.0 * pause_s)

    def refused(self, secret: Secret[T]) -> None:
        """``secret`` is no longer accepted: the next caller gets a new one. A newer secret stays."""
        with self._lock:
            if self._held is secret:
                self._held = None

    def close(self) -> None:
        """Drop the secret; waits a moment for a running fetch and drops its result."""
        with self._lock:
            self._closed = True
            self._held = None
            thread = self._thread
        if thread is not None:
            thread.join(timeout=5.0)

    def _ask(self) -> Future[Secret[T]]:
        with self._lock:
            if self._fetching is not None:
                return self._fetching
            asked: Future[Secret[T]] = Future()
            asked.set_running_or_notify_cancel()
            self._fetching = asked
            self._thread = threading.Thread(target=self._run, args=(asked,), name=f"azure {self._name}", daemon=True)
            thread = self._thread
        thread.start()
        return asked

    def _run(self, asked: Future[Secret[T]]) -> None:
        try:
            fetched = self._fetch()
        except BaseException as error:  # noqa: BLE001 - passed to the waiting callers
            self._failed(asked, error)
            return
        with self._lock:
            self._fetching = None
            if not self._closed:
                self._held = fetched
                self._renew_epoch_s = self._renewal_of(fetched)
        asked.set_result(fetched)

    def _failed(self, asked: Future[Secret[T]], error: BaseException) -> None:
        with self._lock:
            self._fetching = None
            held = self._held
            alive = held is not None and held.expires_epoch_s is not None and self._clock() < held.expires_epoch_s
            if held is not None and held.expires_epoch_s is not None and alive:
                left_s = held.expires_epoch_s - self._clock()
                self._renew_epoch_s = self._clock() + min(RENEWAL_PAUSE_S, left_s / 4.0)
        if alive and held is not None:
            log.warning("%s cannot be renewed yet and is used until it expires: %s", self._name, error)
            asked.set_result(held)
        else:
            asked.set_exception(error)

    def _renewal_of(self, secret: Secret[T]) -> float | None:
        if secret.expires_epoch_s is None:
            return None
        life_s = secret.expires_epoch_s - self._clock()
        return secret.expires_epoch_s - min(LONGEST_MARGIN_S, MARGIN_SHARE * life_s)
