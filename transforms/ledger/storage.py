"""Where segments live: the one seam between the ledger and a filesystem.

A directory of this machine can be appended to and synced; object storage can do neither, so there each segment is written whole and sealed.
Nothing here imports Beam: storage over Beam's filesystems is made in a Beam module and passed in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from transforms.ledger.encoding import BlockEncoder
from transforms.ledger.segments import SUFFIX, SegmentWriter, list_segments, unique_name

GATHER_S = 0.03
"""How long records are gathered on a directory before they are written and synced together. Longer delays the next turn of a conversation
and risks more answers on a crash; shorter costs more syncs, and a little CPU each."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """When records that were gathered become safe: after ``after_s`` seconds, or earlier at ``after_bytes``.

    Too small costs an object per segment; too large is what a lost worker loses, and what the next turn of a conversation waits for.
    """

    after_s: float = 5.0
    after_bytes: int = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """One segment as a listing shows it: its path there, its name, and its size in bytes now."""

    path: str
    name: str
    size: int


class SegmentSink(Protocol):
    """What the recorder writes to."""

    def append(self, datums: Iterable[dict[str, Any]]) -> None:
        """Take records. Raises OSError."""
        ...

    def sync(self) -> None:
        """Return when everything taken survives the loss of this process. Raises OSError."""
        ...

    def close(self) -> None:
        """Sync and let go."""
        ...


class LedgerStorage(Protocol):
    """A place for segments. ``sealing`` says how long records gather before they are made safe together."""

    @property
    def sealing(self) -> Sealing: ...

    def writer(self, folder: str, name_prefix: str, schema: dict[str, Any]) -> SegmentSink:
        """A new segment, or a row of them, below ``folder``."""
        ...

    def segments(self, folder: str) -> list[StoredSegment]:
        """The segments of a folder by name; empty when there is none."""
        ...

    def fetch(self, segment: StoredSegment) -> Path:
        """A file of this machine that holds the segment as the listing showed it, or longer."""
        ...

    def close(self) -> None:
        """Remove what was fetched."""
        ...


class DirectoryStorage:
    """A directory that this process sees: its own disk, NFS, a mounted volume."""

    sealing = Sealing(GATHER_S, 2**62)

    def writer(self, folder: str, name_prefix: str, schema: dict[str, Any]) -> SegmentSink:
        return SegmentWriter(folder, name_prefix, schema)

    def segments(self, folder: str) -> list[StoredSegment]:
        return [StoredSegment(str(path), path.name, _size_of(path)) for path in list_segments(folder)]

    def fetch(self, segment: StoredSegment) -> Path:
        return Path(segment.path)

    def close(self) -> None:
        pass


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # a link to nothing
        return 0


class CreateObject(Protocol):
    """Writes an object whole. Raises OSError; a name that exists is never given."""

    def __call__(self, path: str, content: bytes, /) -> None: ...


class SealedSegments:
    """A sink over storage without append: every sync seals what was taken since the last as a segment of its own."""

    def __init__(self, create: CreateObject, folder: str, name_prefix: str, schema: dict[str, Any]) -> None:
        self._create = create
        self._folder = folder.rstrip("/")
        self._unique = unique_name(name_prefix)
        self._schema = schema
        self._number = 0
        self._datums: list[dict[str, Any]] = []

    def append(self, datums: Iterable[dict[str, Any]]) -> None:
        self._datums.extend(datums)

    def sync(self) -> None:
        if not self._datums:
            return
        # numbered so that they sort as they were written
        name = f"{self._unique}-{self._number:06d}{SUFFIX}"
        encoder = BlockEncoder(self._schema, name)
        content = encoder.header() + b"".join([encoder.block(datum) for datum in self._datums])
        self._create(f"{self._folder}/{name}", content)
        self._number += 1
        self._datums.clear()

    def close(self) -> None:
        self.sync()
