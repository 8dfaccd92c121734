"""What lies in a work_dir, for those who read it afterwards, on this machine or on any filesystem that Beam knows.

Beam is loaded only for places that are not on this machine: who looks at a directory does not wait for it.
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
    """What to do about a path that nothing installed can read."""
    return (
        f"nothing here reads {scheme_of(path)}://. Install what does: beam-distill[azure-storage] for azfs://, "
        "apache-beam[aws] for s3://, apache-beam[gcp] for gs://"
    )


_CLIENTS = {"azfs": "azure.storage.blob", "s3": "boto3", "gs": "google.cloud.storage"}


def lacks_client(path: str) -> bool:
    """Whether what talks to a path's storage is not installed; Beam says so only when it is used."""
    client = _CLIENTS.get(scheme_of(path)) if is_remote(path) else None
    try:
        return client is not None and importlib.util.find_spec(client) is None
    except ModuleNotFoundError:  # a package around it is missing already
        return True


def write_text(path: str, text: str) -> None:
    """Write a text whole or not at all. Raises OSError, or what the filesystem raises."""
    files_for(path).write_whole(path, text.encode("utf-8", errors="replace"))


def fields_of(path: str) -> dict[str, Any] | None:
    """A file's JSON object; None when there is no such file, or it holds none."""
    try:
        fields = json.loads("".join(files_for(path).lines(path)))
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def objects_of(path: str) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines, one at a time. What is not an object, such as a line that was torn off, is skipped."""
    for line in files_for(path).lines(path):
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(fields, dict):
            yield fields


def segments_storage(folder: str) -> LedgerStorage:
    """Storage to read the segments below ``folder`` from; to be closed, since remote segments are copied to this machine to be read."""
    return storage_for(folder, Sealing())


def folders_in(folder: str) -> list[str]:
    """The folders directly in one. Storage without folders has none to list; its segments are asked for with a pattern."""
    if is_remote(folder):
        return [f"{folder}/*"]
    return sorted(entry.path for entry in os.scandir(folder) if entry.is_dir()) if os.path.isdir(folder) else []
