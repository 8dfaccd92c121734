"""The state of a process that belongs to its program, as one comparable value."""

import asyncio
import atexit
import csv
import gc
import locale
import logging
import os
import resource
import signal
import socket
import sys
import tempfile
import threading
import warnings
from typing import Any


def process_state() -> dict[str, Any]:
    """Handlers, hooks, collection, limits, environment, logging, and Beam's options for filesystems, by name."""
    state: dict[str, Any] = {
        "signals": {number.name: signal.getsignal(number) for number in signal.Signals if number not in (signal.SIGKILL, signal.SIGSTOP)},
        "timers": [signal.getitimer(which) for which in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)],
        "hooks": (sys.excepthook, sys.unraisablehook, sys.displayhook, threading.excepthook, sys.gettrace(), sys.getprofile()),
        "thread hooks": (threading.gettrace(), threading.getprofile(), threading.stack_size()),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "interpreter": (sys.getrecursionlimit(), sys.getswitchinterval(), sys.get_asyncgen_hooks(), list(sys.path), list(sys.argv)),
        "garbage": (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count(), list(gc.callbacks), gc.get_debug()),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "umask": _umask(),
        "limits": {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")},
        "csv": csv.field_size_limit(),
        "sockets": socket.getdefaulttimeout(),
        "locale": locale.setlocale(locale.LC_ALL),
        "temporary files": tempfile.gettempdir(),
        "warnings": list(warnings.filters),
        "loops": asyncio.events._event_loop_policy,  # type: ignore[attr-defined] # None until somebody sets one or asks
        "at exit": atexit._ncallbacks(),
        "threads": set(threading.enumerate()),
        "logging": {name: _of_logger(logger) for name, logger in _loggers()},
        "logging in all": (logging.root.manager.disable, logging.lastResort, logging.getLoggerClass(), logging.raiseExceptions),
    }
    beam = sys.modules.get("apache_beam.io.filesystems")
    state["Beam's filesystems"] = beam.FileSystems._pipeline_options if beam is not None else None
    return state


def _umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now


def _loggers() -> list[tuple[str, logging.Logger]]:
    known = logging.root.manager.loggerDict
    return [("root", logging.root), *((name, logger) for name, logger in sorted(known.items()) if isinstance(logger, logging.Logger))]


def _of_logger(logger: logging.Logger) -> tuple[Any, ...]:
    return logger.level, list(logger.handlers), list(logger.filters), logger.propagate, logger.disabled


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    """The changes, as text. A new logger without any settings is no change."""
    compared = before.keys() - {"logging", "threads"}
    found = {name: f"{before[name]!r} -> {after[name]!r}" for name in compared if before[name] != after[name]}
    if more := after["threads"] - before["threads"]:
        found["threads"] = f"more than before: {sorted(thread.name for thread in more)}"
    fresh: tuple[Any, ...] = (logging.NOTSET, [], [], True, False)
    for name, now in after["logging"].items():
        if now != before["logging"].get(name, fresh):
            found[f"logging of {name}"] = f"{before['logging'].get(name, fresh)!r} -> {now!r}"
    return found


def without_imports(found: dict[str, str]) -> dict[str, str]:
    """Changes except those by imports of libraries: filters for their warnings, null handlers, exit functions."""
    own = {"warnings", "at exit"}
    return {name: change for name, change in found.items() if name not in own and "NullHandler" not in change}
