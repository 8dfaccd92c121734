"""Coroutines called from synchronous code, also on a thread with a running loop, as in every notebook."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")


def run_to_end(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Returns or raises as the coroutine does. If this thread has a running loop, which ``asyncio.run`` refuses, another thread runs it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    ended: Future[Result] = Future()

    def run() -> None:
        try:
            ended.set_result(asyncio.run(coroutine))
        except BaseException as error:  # noqa: BLE001 - raised again on the thread that waits
            ended.set_exception(error)

    # a daemon: Ctrl-C ends the wait at once, and the process does not wait for the thread
    threading.Thread(target=run, name="own-loop", daemon=True).start()
    return ended.result()
