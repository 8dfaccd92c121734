"""What lies in a work_dir, for those who read it afterwards, on this machine or on any filesystem that Beam knows.

Beam is loaded only for places that are not on this machine: who looks at a directory does not wait for it.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from apache_beam.io.filesystems import FileSystems

from transforms.filesystems import exists
from transforms.ledger.storage import DirectoryStorage, LedgerStorage, Sealing


def is_remote(path: str) -> bool:
    """Whether a path is on another filesystem than this machine's."""
    return "://" in path


def unknown_filesystem(path: str) -> str:
    """What to do about a path that nothing installed can read."""
    return (
        f"nothing here reads {path.partition('://')[0]}://. Install what does: beam-distill[azure-storage] for azfs://, "
        "apache-beam[aws] for s3://, apache-beam[gcp] for gs://"
    )


_CLIENTS = {"azfs": "azure.storage.blob", "s3": "boto3", "gs": "google.cloud.storage"}


def lacks_client(path: str) -> bool:
    """Whether what talks to a path's storage is not installed; Beam says so only when it is used."""
    client = _CLIENTS.get(path.partition("://")[0]) if is_remote(path) else None
    try:
        return client is not None and importlib.util.find_spec(client) is None
    except ModuleNotFoundError:  # a package around it is missing already
        return True


def text_lines(path: str) -> Iterator[str]:
    """The lines of a text, one at a time; none when there is no such file."""
    if not is_remote(path):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                yield from file
        except OSError:
            return
        return
    from apache_beam.io.filesystems import FileSystems

    if exists(path):
        with FileSystems.open(path) as stored:
            for line in stored:
                yield line.decode("utf-8", "replace")


def fields_of(path: str) -> dict[str, Any] | None:
    """A file's JSON object; None when there is no such file, or it holds none."""
    try:
        fields = json.loads("".join(text_lines(path)))
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def objects_of(path: str) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines, one at a time. What is no object, such as a line that was torn off, is passed over."""
    for line in text_lines(path):
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(fields, dict):
            yield fields


def put_text(path: str, text: str) -> None:
    """Write a text whole or not at all. Raises OSError, or what the filesystem raises."""
    content = text.encode("utf-8", errors="replace")
    if is_remote(path):
        from apache_beam.io.filesystems import FileSystems

        with FileSystems.create(path, mime_type="text/html" if path.endswith(".html") else "text/plain") as stored:
            stored.write(content)
        return
    target = Path(path)
    partial = target.with_name(target.name + ".partial")
    partial.write_bytes(content)
    os.replace(partial, target)


def open_text(path: str) -> IO[str]:
    """A file to write text into; storage without folders shows it when it is closed. Raises OSError, or what the filesystem raises."""
    if is_remote(path):
        from apache_beam.io.filesystems import FileSystems

        return io.TextIOWrapper(FileSystems.create(path), encoding="utf-8")
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    return open(path, "w", encoding="utf-8")


def remove_file(path: str) -> None:
    """Take a file away, if there is one. Raises OSError, or what the filesystem raises."""
    if not is_remote(path):
        Path(path).unlink(missing_ok=True)
        return
    from apache_beam.io.filesystems import FileSystems

    if exists(path):
        FileSystems.delete([path])


def segments_storage(folder: str) -> LedgerStorage:
    """Storage to read the segments below ``folder`` from; to be closed, since remote segments are copied to this machine to be read."""
    if not is_remote(folder):
        return DirectoryStorage()
    from transforms.ledger_storage import storage_for

    return storage_for(folder, Sealing())


def folders_in(folder: str) -> list[str]:
    """The folders directly in one. Storage without folders has none to list; its segments are asked for with a pattern."""
    if is_remote(folder):
        return [f"{folder}/*"]
    return sorted(entry.path for entry in os.scandir(folder) if entry.is_dir()) if os.path.isdir(folder) else []


def absolute(path: str) -> str:
    """The path without a working directory in it, and without a slash at its end."""
    return path.rstrip("/") if is_remote(path) else str(Path(path).absolute())


def read_file(path: str) -> str:
    """A small file as text."""
    with FileSystems.open(path) as file:
        return str(file.read().decode())


def write_file(path: str, text: str) -> None:
    """A small file, whole or not at all. Raises OSError, or what the filesystem raises."""
    if is_remote(path):
        with FileSystems.create(path) as remote:
            remote.write(text.encode())
        return
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(target.name + ".partial")
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, target)
