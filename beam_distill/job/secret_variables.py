"""Secrets in a job's config file or extra_body: moved to variables of this process.

So neither the ledger nor the graph contains them, and child processes have them too.
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
    """Set variables to secrets. Raises SettingsError if a running job may use another secret under the same name."""
    with _lock:
        for name, secret in secrets.items():
            if _runs > 1 and name in _before and os.environ.get(name) != secret:
                raise SettingsError(
                    [
                        f"{name}: another run in this process may use another secret under this name; wait for its end, or put "
                        "the secret into a separate environment variable or file and name that"
                    ]
                )
            _before.setdefault(name, os.environ.get(name))
            os.environ[name] = secret


@contextmanager
def variables_put_back() -> Iterator[None]:
    """For a run in a program: its variables are removed when the last simultaneous run has ended."""
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
