"""The ledger's storage where there is no directory, and which of the two a path needs."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from transforms.files.matching import sizes_of
from transforms.files.paths import is_remote
from transforms.files.stored import files_for, open_as_stored
from transforms.ledger.segments import SUFFIX
from transforms.ledger.storage import DirectoryStorage, LedgerStorage, SealedSegments, Sealing, SegmentSink, StoredSegment


class ObjectStorage:
    """Segments as objects on a filesystem of Beam's. Readers work on copies of this machine, which go with ``close``."""

    def __init__(self, sealing: Sealing) -> None:
        self.sealing = sealing
        self._copies: str | None = None

    def writer(self, folder: str, name_prefix: str, schema: dict[str, Any]) -> SegmentSink:
        return SealedSegments(_create, folder, name_prefix, schema)

    def segments(self, folder: str) -> list[StoredSegment]:
        found = sizes_of(f"{folder.rstrip('/')}/*{SUFFIX}")
        listed = [StoredSegment(path, path.rpartition("/")[2], size) for path, size in found.items()]
        return sorted(listed, key=lambda segment: segment.name)

    def fetch(self, segment: StoredSegment) -> Path:
        if self._copies is None:
            self._copies = tempfile.mkdtemp(prefix="ledger-")
        copy = Path(self._copies) / segment.name
        if not copy.exists():
            with open_as_stored(segment.path) as source, open(copy, "wb") as target:
                shutil.copyfileobj(source, target, 1024 * 1024)
        return copy

    def close(self) -> None:
        if self._copies is not None:
            shutil.rmtree(self._copies, ignore_errors=True)
            self._copies = None


def _create(path: str, content: bytes) -> None:
    try:
        files_for(path).write_whole(path, content)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - every filesystem has errors of its own; the recorder knows one kind
        raise OSError(f"{path} cannot be written: {type(error).__name__}: {error}") from error


def storage_for(folder: str, sealing: Sealing) -> LedgerStorage:
    """Storage for the segments below ``folder``."""
    return ObjectStorage(sealing) if is_remote(folder) else DirectoryStorage()
