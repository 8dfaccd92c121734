"""What lies in a work_dir, for those who read it afterwards, on this machine or on any filesystem that Beam knows.

Beam is loaded only for places that are not on this machine: who looks at a directory does not wait for it.
"""

from __future__ import annotations

import fcntl
import importlib.util
import io
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from beam_distill.exit_codes import ExitCode, RunRefused
from transforms.ledger.storage import DirectoryStorage, LedgerStorage, Sealing

_ACCOUNTS = {
    "azfs": "The account is named by AZURE_STORAGE_CONNECTION_STRING, or by --blob_service_endpoint https://ACCOUNT.blob.core.windows.net",
    "s3": "The account is named by the AWS variables or Beam's --s3_* options",
    "gs": "The account is that of gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS",
    "": "The account is named by the storage's own variables or by Beam's options",
}
STALE_AFTER_S = 90.0
"""A lock on object storage that was not renewed for so long is taken for that of a run that died."""


def is_remote(path: str) -> bool:
    """Whether a path is on another filesystem than this machine's."""
    return "://" in path


def is_held(work_dir: str) -> bool:
    """Whether a run is working in this work_dir now."""
    if is_remote(work_dir):
        found = fields_of(f"{work_dir}/lock.json")
        return found is not None and time.time() - float(found["at_s"]) < STALE_AFTER_S
    try:
        with open(Path(work_dir) / "lock", "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    except OSError:
        return False
    return False


def reach(work_dir: str, beam_argv: tuple[str, ...] = ()) -> None:
    """Make sure that a remote work_dir can be asked at all; ``beam_argv`` may name its storage account. A local one needs nothing.

    Raises RunRefused saying what the storage says.
    """
    if not is_remote(work_dir):
        return
    if lacks_client(work_dir):
        raise RunRefused(ExitCode.WRONG_INPUT, f"work_dir: {unknown_filesystem(work_dir)}")
    from apache_beam.io.filesystems import FileSystems

    from beam_distill.runners.base import BeamGiven, use_storage_options

    use_storage_options(BeamGiven(beam_argv))
    try:
        FileSystems.get_filesystem(work_dir)
    except ValueError:
        raise RunRefused(ExitCode.WRONG_INPUT, f"work_dir: {unknown_filesystem(work_dir)}") from None
    try:
        FileSystems.match([f"{work_dir.rstrip('/')}/*.json"])
    except Exception as error:  # noqa: BLE001 - every filesystem has errors of its own
        cause = _innermost(error)
        raise RunRefused(
            ExitCode.STORAGE_FAILED,
            f"work_dir: {work_dir} cannot be read: {type(cause).__name__}: {_first_line(cause)}. Is the path right, and may this login read "
            f"it? {_ACCOUNTS.get(work_dir.partition('://')[0], _ACCOUNTS[''])}",
        ) from None


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

    from transforms.filesystems import exists

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

    from transforms.filesystems import exists

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


def _innermost(error: BaseException) -> BaseException:
    """What the storage itself said; Beam wraps it, once or twice."""
    wrapped = [inner for inner in (getattr(error, "exception_details", None) or {}).values() if isinstance(inner, BaseException)]
    return _innermost(wrapped[0]) if wrapped else error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0].rstrip(".")
