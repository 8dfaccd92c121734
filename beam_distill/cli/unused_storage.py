"""Leaving out of the start what the job does not name: Beam imports a client for every storage system it knows, a third of its start-up."""

from __future__ import annotations

import sys
from collections.abc import Iterable

_CLIENTS = {
    "azfs://": "apache_beam.io.azure.blobstoragefilesystem",
    "mongodb://": "bson",
}
"""The prefix that a path of the storage system begins with, and the module whose absence Beam takes for "not installed"."""


def leave_out_unused_storage(texts: Iterable[str]) -> None:
    """Before Beam is first imported: keep out the clients of storage systems that none of ``texts`` (all settings and options) names.

    For the command's own process only; a program that imports beam_distill decides for itself what Beam loads.
    """
    reported = "\n".join(texts)
    for prefix, module in _CLIENTS.items():
        if prefix not in reported:
            sys.modules.setdefault(module, None)  # type: ignore[arg-type] # None is how Python says: do not import
