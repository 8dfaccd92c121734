"""Segments: Avro files that one writer appends blocks to and nobody ever reopens for writing.

A writer that dies leaves a torn tail at worst; readers keep every whole block, wherever it is.
"""

from __future__ import annotations

import errno
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transforms.ledger.avro_schema import record_key
from transforms.ledger.byte_ranges import ByteRanges, FileRanges
from transforms.ledger.encoding import BlockEncoder
from transforms.ledger.index_maker import INDEX_SUFFIX, IndexMaker
from transforms.ledger.segment_reader import Block, Damage, NotASegment, SegmentReader

SUFFIX = ".avro"
SPARE_DESCRIPTORS = 3
_UNIQUE = re.compile(r"-\d+-[0-9a-f]{12}(-\d+)?\.avro$")


def unique_name(name_prefix: str) -> str:
    """What a writer's segments are called, without the suffix: a name that no other writer takes."""
    return f"{name_prefix}-{os.getpid()}-{uuid.uuid4().hex[:12]}"


def name_prefix_of(segment_name: str) -> str:
    """The prefix that a segment was given its unique name with, which is its run's; the whole name where it has another form."""
    return _UNIQUE.sub("", segment_name)


class SegmentBytes:
    """Records to the bytes of the segment with this file name and of its index, if records of this schema have one."""

    def __init__(self, schema: dict[str, Any], segment_name: str) -> None:
        self._encoder = BlockEncoder(schema, segment_name)
        self.header = self._encoder.header()
        # failures are read by run, and whole
        is_indexed = any(field["name"] == "request_hash" for field in schema["fields"])
        self._index = IndexMaker(segment_name, len(self.header)) if is_indexed else None

    @property
    def has_index(self) -> bool:
        return self._index is not None

    def blocks(self, datums: Iterable[dict[str, Any]]) -> bytes:
        """A block for each of the records that come next."""
        blocks = []
        for datum in datums:
            block = self._encoder.block(datum)
            if self._index is not None:
                self._index.add(record_key(datum), datum["turn"], datum["request_hash"], len(block))
            blocks.append(block)
        return b"".join(blocks)

    def index(self) -> bytes:
        """What is to be added to the index since the last call."""
        return self._index.take() if self._index is not None else b""


class SegmentWriter:
    """One open segment and its index. Not safe for two threads.

    The files are created with the first record, so a run that asks nothing leaves nothing; the descriptors for them are held until then, for
    connections may have taken all others.
    """

    def __init__(self, folder: str, name_prefix: str, schema: dict[str, Any]) -> None:
        self._folder = Path(folder)
        self._name = unique_name(name_prefix) + SUFFIX
        self._bytes = SegmentBytes(schema, self._name)
        self._file: Any = None
        self._index_file: Any = None
        self._spare = [os.open(os.devnull, os.O_RDONLY) for _ in range(SPARE_DESCRIPTORS)]
        self.path: Path | None = None

    def append(self, datums: Iterable[dict[str, Any]]) -> None:
        """Write the records, each a whole block, and hand them to the operating system. Raises OSError."""
        blocks = self._bytes.blocks(datums)
        if self._file is None:
            self._open()
        self._file.write(blocks)
        self._file.flush()

    def sync(self) -> None:
        """Wait until the disk has everything appended. Raises OSError, also if the file was removed or renamed."""
        if self._file is None:
            return
        os.fsync(self._file.fileno())
        self._write_index()
        assert self.path is not None
        try:
            is_there = os.path.samestat(os.stat(self.path), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            is_there = False
        if not is_there:
            raise OSError(errno.ESTALE, "the ledger was moved or removed while the run went on", str(self.path))

    def _write_index(self) -> None:
        """Add what was synced to the index. It is not synced itself, and goes without where the disk refuses: readers make it again."""
        entries = self._bytes.index()
        if not entries or self._index_file is None:
            return
        try:
            self._index_file.write(entries)
        except OSError:
            self._close_index()

    def _close_index(self) -> None:
        if self._index_file is not None:
            with suppress(OSError):
                self._index_file.close()
            self._index_file = None

    def close(self) -> None:
        """Sync and close."""
        self._release_spare()
        if self._file is not None:
            try:
                self.sync()
            finally:
                self._file.close()
                self._file = None
                self._close_index()

    def _open(self) -> None:
        self._release_spare()
        self._folder.mkdir(parents=True, exist_ok=True)
        self.path = self._folder / self._name
        self._file = open(self.path, "xb")  # noqa: SIM115 - closed by close()
        self._file.write(self._bytes.header)
        if self._bytes.has_index:
            with suppress(OSError):
                # unbuffered: what a process that is killed has written is there
                self._index_file = open(f"{self.path}{INDEX_SUFFIX}", "xb", buffering=0)  # noqa: SIM115 - closed by close()
        directory = os.open(self._folder, os.O_RDONLY)
        try:
            # the name must survive a power cut as well as the blocks do; some filesystems sync no directories
            with suppress(OSError):
                os.fsync(directory)
        finally:
            os.close(directory)

    def _release_spare(self) -> None:
        while self._spare:
            os.close(self._spare.pop())


@dataclass(frozen=True, slots=True)
class TornSegment:
    """A segment of which something could not be read. ``kept``: its records that could; ``why`` says for a person what is lost."""

    path: str
    kept: int
    why: str


def read_blocks(segment: ByteRanges | Path, view: dict[str, Any], torn: list[TornSegment], start: int = 0) -> Iterator[Block]:
    """Every whole block in order, from offset ``start`` on; what cannot be read is noted in ``torn``. Raises OSError where the disk fails."""
    kept = 0
    if isinstance(segment, Path):
        segment = FileRanges(segment)
    try:
        reader = SegmentReader(segment, view)
    except NotASegment as error:
        torn.append(TornSegment(segment.path, 0, str(error)))
        return
    with closing(reader):
        for block in reader.blocks(start):
            kept += len(block.records) - block.records.count(None)
            yield block
    why = lost_of(reader.damage)
    if why:
        torn.append(TornSegment(segment.path, kept, why))


def read_records(segment: ByteRanges | Path, view: dict[str, Any], torn: list[TornSegment]) -> Iterator[dict[str, Any]]:
    """Every record that can be read, in order; otherwise like ``read_blocks``."""
    for block in read_blocks(segment, view, torn):
        for record in block.records:
            if record is not None:
                yield record


def lost_of(damage: Damage) -> str:
    """What could not be read, in words; empty when all could."""
    lost = []
    if damage.records:
        lost.append(f"{damage.records:,} damaged record{'s' if damage.records > 1 else ''}")
    if damage.size_bytes:
        lost.append(f"{damage.size_bytes:,} damaged bytes")
    if damage.tail_bytes:
        lost.append(f"{damage.tail_bytes:,} bytes at the end, which were not written to their end")
    return ", ".join(lost)
