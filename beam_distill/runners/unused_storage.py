"""Keeps unused storage clients out of the start-up: Beam imports a client for every storage system, a third of its start-up."""

from __future__ import annotations

import sys
from collections.abc import Iterable

_CLIENTS = {
    "azfs://": "apache_beam.io.azure.blobstoragefilesystem",
    "mongodb://": "bson",
}
"""The prefix of the storage system's paths, and the module without which Beam treats it as not installed."""


def leave_out_unused_storage(texts: Iterable[str]) -> None:
    """Before Beam's first import: keep out the clients of storage systems that are not in ``texts`` (all settings and options).

    Only for the command's own process; a program that imports beam_distill decides itself what Beam loads.
    """
    reported = "\n".join(texts)
    leave_out(module for prefix, module in _CLIENTS.items() if prefix not in reported)


def leave_out(modules: Iterable[str]) -> None:
    """Before Beam's first import: keep these modules out."""
    for module in modules:
        sys.modules.setdefault(module, None)  # type: ignore[arg-type] # None means for Python: do not import


def left_out() -> tuple[str, ...]:
    """The clients that this process keeps out; a scoring process that it starts needs none of them either."""
    return tuple(module for module in _CLIENTS.values() if sys.modules.get(module, sys) is None)
