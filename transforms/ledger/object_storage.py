"""The ledger's storage where there is no directory, and which of the two a path needs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, BinaryIO

from transforms.files.matching import sizes_of
from transforms.files.paths import is_remote
from transforms.files.stored import files_for, open_ranges
from transforms.ledger.byte_ranges import ByteRanges
from transforms.ledger.index_maker import INDEX_SUFFIX
from transforms.ledger.segments import SUFFIX
from transforms.ledger.storage import DirectoryStorage, LedgerStorage, SealedSegments, Sealing, SegmentSink, StoredSegment, as_segments

WINDOW_BYTES = 256 * 1024
"""How much of a segment is asked for at a time in look-ups: neighbouring rows are often neighbours there. Too small costs a request for each
answer; too large fetches what nobody looks up."""
WHOLE_WINDOW_BYTES = 8 * 1024 * 1024
KEPT_BYTES = 64 * 1024 * 1024
"""Of all segments together. Too small, and the same window is asked for again and again where many processes wrote at the same time."""
INDEXES_AT_ONCE = 16


class ObjectStorage:
    """Segments as objects on a filesystem of Beam's. Readers ask for the stretches of them that they need."""

    open_at_once = 1_000

    def __init__(self, sealing: Sealing) -> None:
        self.sealing = sealing
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._kept_bytes = 0

    def writer(self, folder: str, name_prefix: str, schema: dict[str, Any]) -> SegmentSink:
        return SealedSegments(_create, folder, name_prefix, schema)

    def segments(self, folder: str) -> list[StoredSegment]:
        return as_segments(sizes_of(f"{folder.rstrip('/')}/*{SUFFIX}*"))

    def open(self, segment: StoredSegment, whole: bool = False) -> ByteRanges:
        return _ObjectRanges(self, segment, WHOLE_WINDOW_BYTES if whole else WINDOW_BYTES)

    def indexes(self, wanted: Sequence[tuple[StoredSegment, int]]) -> Iterator[Iterable[bytes]]:
        # one after the other, the way there and back would be most of the time
        with ThreadPoolExecutor(INDEXES_AT_ONCE) as threads:
            yield from ((content,) for content in threads.map(_index_from, wanted))

    def write_index(self, segment: StoredSegment, content: bytes) -> None:
        with suppress(OSError):
            _create(segment.path + INDEX_SUFFIX, content)

    def close(self) -> None:
        self._kept.clear()
        self._kept_bytes = 0

    def window(self, ranges: _ObjectRanges, number: int) -> bytes:
        """A window of a segment, from those that were kept where it is among them."""
        key = (ranges.path, number * ranges.window_bytes)
        window = self._kept.get(key)
        if window is not None and len(window) >= min(ranges.window_bytes, ranges.size() - key[1]):
            self._kept.move_to_end(key)
            return window
        window = ranges.fetch(key[1], ranges.window_bytes)
        self._kept_bytes += len(window) - len(self._kept.pop(key, b""))
        self._kept[key] = window
        while self._kept_bytes > KEPT_BYTES and len(self._kept) > 1:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1])
        return window


class _ObjectRanges:
    """``ByteRanges`` of an object, which is asked for in windows."""

    def __init__(self, storage: ObjectStorage, segment: StoredSegment, window_bytes: int) -> None:
        self.path = segment.path
        self.window_bytes = window_bytes
        self._size = segment.size
        self._storage = storage
        self._object: BinaryIO | None = None

    def size(self) -> int:
        return self._size

    def read(self, offset: int, size: int) -> bytes:
        parts = []
        end = min(offset + size, self._size)
        while offset < end:
            number, begin = divmod(offset, self.window_bytes)
            part = self._storage.window(self, number)[begin : begin + end - offset]
            if not part:
                break
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def fetch(self, offset: int, size: int) -> bytes:
        """Bytes of the object, asked for now."""
        if self._object is None:
            self._object = open_ranges(self.path)
        self._object.seek(offset)
        parts = []
        while size > 0 and (part := self._object.read(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        if self._object is not None:
            self._object.close()
            self._object = None


def _index_from(wanted: tuple[StoredSegment, int]) -> bytes:
    segment, start = wanted
    if segment.index_size <= start:
        return b""
    try:
        return files_for(segment.path).read(segment.path + INDEX_SUFFIX)[start:]
    except Exception:  # noqa: BLE001 - every filesystem has errors of its own; the segment says the same, and whether it can be read
        return b""


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
