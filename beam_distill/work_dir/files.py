"""Reading a work_dir's files, local or on any filesystem that Beam supports.

Beam is loaded only for remote paths: a local directory needs no wait for it.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from typing import Any

from transforms.files.paths import is_remote, scheme_of
from transforms.files.stored import files_for
from transforms.ledger.object_storage import storage_for
from transforms.ledger.storage import LedgerStorage, Sealing


def unknown_filesystem(path: str) -> str:
    """Advice for a path that no installed filesystem can read."""
    return (
        f"no installed package reads {scheme_of(path)}://. Install beam-distill[azure-storage] for azfs://, "
        "apache-beam[aws] for s3://, apache-beam[gcp] for gs://"
    )


_CLIENTS = {"azfs": "azure.storage.blob", "s3": "boto3", "gs": "google.cloud.storage"}


def lacks_client(path: str) -> bool:
    """Whether the client for a path's storage is missing; Beam reports this only when it is used."""
    client = _CLIENTS.get(scheme_of(path)) if is_remote(path) else None
    try:
        return client is not None and importlib.util.find_spec(client) is None
    except ModuleNotFoundError:  # its parent package is missing
        return True


def write_text(path: str, text: str) -> None:
    """Write a text atomically. Raises OSError, or the filesystem's exceptions."""
    files_for(path).write_whole(path, text.encode("utf-8", errors="replace"))


def fields_of(path: str) -> dict[str, Any] | None:
    """A file's JSON object; None if the file does not exist or has no object."""
    try:
        fields = json.loads("".join(files_for(path).lines(path)))
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def objects_of(path: str) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines, one at a time. Other lines, such as a truncated one, are skipped."""
    for line in files_for(path).lines(path):
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(fields, dict):
            yield fields


def segments_storage(folder: str) -> LedgerStorage:
    """Storage for reading the segments in ``folder``. Close it: it keeps what was read of remote ones."""
    return storage_for(folder, Sealing())


def folders_in(folder: str) -> list[str]:
    """The folders directly in a folder. Object storage has none; its segments are found with a pattern."""
    if is_remote(folder):
        return [f"{folder}/*"]
    return sorted(entry.path for entry in os.scandir(folder) if entry.is_dir()) if os.path.isdir(folder) else []
