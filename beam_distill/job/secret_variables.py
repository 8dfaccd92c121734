"""Secrets that a job holds itself, in its file of inputs or in extra_body: kept in variables of this process.

So neither the ledger nor the graph holds them, and the scoring processes that this one starts have them too.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from beam_distill.config.errors import SettingsError

_lock = threading.Lock()
_before: dict[str, str | None] = {}
_runs = 0


def keep_in_variables(secrets: Mapping[str, str]) -> None:
    """Set variables to secrets. Raises SettingsError where a run that is going on may hold another secret under the same name."""
    with _lock:
        for name, secret in secrets.items():
            if _runs > 1 and name in _before and os.environ.get(name) != secret:
                raise SettingsError(
                    [
                        f"{name}: another run in this process goes on and may use another secret under this name; wait for its end, or put "
                        "the secret into an environment variable or file of its own and name its place"
                    ]
                )
            _before.setdefault(name, os.environ.get(name))
            os.environ[name] = secret


@contextmanager
def variables_put_back() -> Iterator[None]:
    """A run of a program: what it keeps in variables is gone when the last of the runs that go on at the same time has ended."""
    global _runs
    with _lock:
        _runs += 1
    try:
        yield
    finally:
        with _lock:
            _runs -= 1
            if not _runs:
                for name, value in _before.items():
                    if value is None:
                        os.environ.pop(name, None)
                    else:
                        os.environ[name] = value
                _before.clear()
