"""Where segments live: the one seam between the ledger and a filesystem.

A directory of this machine can be appended to and synced; object storage can do neither, so there each segment is written whole and sealed.
Nothing here imports Beam: storage over Beam's filesystems is made in a Beam module and passed in.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from transforms.files.local import LocalFiles
from transforms.ledger.byte_ranges import ByteRanges, FileRanges
from transforms.ledger.index_maker import ENTRY_BYTES, INDEX_SUFFIX
from transforms.ledger.segments import SUFFIX, SegmentBytes, SegmentWriter, unique_name

GATHER_S = 0.03
"""How long records are gathered on a directory before they are written and synced together. Longer delays the next turn of a conversation
and risks more answers on a crash; shorter costs more syncs, and a little CPU each."""

INDEX_PIECE_BYTES = 64 * 1024 * ENTRY_BYTES


@dataclass(frozen=True, slots=True)
class Sealing:
    """When records that were gathered become safe: after ``after_s`` seconds, or earlier at ``after_bytes``.

    Too small costs an object per segment; too large is what a lost worker loses, and what the next turn of a conversation waits for.
    """

    after_s: float = 5.0
    after_bytes: int = 8 * 1024 * 1024


class StoredSegment(NamedTuple):
    """One segment as a listing shows it: its path there, its name, its size in bytes now, and that of its index, 0 where there is none."""

    path: str
    name: str
    size: int
    index_size: int = 0


def as_segments(sizes: dict[str, int]) -> list[StoredSegment]:
    """The segments among files that a listing shows, by name: the order in which a ledger is read."""
    found = [
        StoredSegment(path, path.rpartition("/")[2], size, sizes.get(path + INDEX_SUFFIX, 0))
        for path, size in sizes.items()
        if path.endswith(SUFFIX)
    ]
    return sorted(found, key=lambda segment: segment.name)


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

    def open(self, segment: StoredSegment, whole: bool = False) -> ByteRanges:
        """The segment's bytes, as the listing showed it or more; ``whole`` where they are to be read from one end to the other."""
        ...

    def indexes(self, wanted: Sequence[tuple[StoredSegment, int]]) -> Iterator[Iterable[bytes]]:
        """Of each segment's index the bytes from an offset on, in pieces of whole entries; none where it cannot be read."""
        ...

    def write_index(self, segment: StoredSegment, content: bytes) -> None:
        """Write the index of a segment atomically, replacing an earlier one. Does nothing where the storage cannot."""
        ...

    @property
    def open_at_once(self) -> int:
        """How many segments may be open for look-ups."""
        ...

    def close(self) -> None:
        """Let go of what was kept of segments."""
        ...


class DirectoryStorage:
    """A directory that this process sees: its own disk, NFS, a mounted volume."""

    sealing = Sealing(GATHER_S, 2**62)
    open_at_once = 64

    def writer(self, folder: str, name_prefix: str, schema: dict[str, Any]) -> SegmentSink:
        return SegmentWriter(folder, name_prefix, schema)

    def segments(self, folder: str) -> list[StoredSegment]:
        try:
            with os.scandir(folder) as entries:
                names = [entry.name for entry in entries if entry.name.endswith((SUFFIX, SUFFIX + INDEX_SUFFIX))]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return as_segments({f"{folder.rstrip('/')}/{name}": _size_of(os.path.join(folder, name)) for name in names})

    def open(self, segment: StoredSegment, whole: bool = False) -> ByteRanges:
        return FileRanges(segment.path)

    def indexes(self, wanted: Sequence[tuple[StoredSegment, int]]) -> Iterator[Iterable[bytes]]:
        for segment, start in wanted:
            yield _pieces(segment.path + INDEX_SUFFIX, start)

    def write_index(self, segment: StoredSegment, content: bytes) -> None:
        with suppress(OSError):
            LocalFiles().write_whole(segment.path + INDEX_SUFFIX, content, durable=False)

    def close(self) -> None:
        pass


def _pieces(path: str, start: int) -> Iterator[bytes]:
    with suppress(OSError), open(path, "rb") as file:
        file.seek(start)
        while piece := file.read(INDEX_PIECE_BYTES):
            yield piece


def _size_of(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:  # a link to nothing, or removed meanwhile
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
        content = SegmentBytes(self._schema, name)
        self._create(f"{self._folder}/{name}", content.header + content.blocks(self._datums))
        if content.has_index:
            with suppress(OSError):  # readers make it again
                self._create(f"{self._folder}/{name}{INDEX_SUFFIX}", content.index())
        self._number += 1
        self._datums.clear()

    def close(self) -> None:
        self.sync()
