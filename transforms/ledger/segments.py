"""Segments: Avro files that one writer appends blocks to and nobody ever reopens for writing.

A writer that dies leaves a torn tail at worst; readers keep every whole block before it.
"""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastavro
from fastavro.write import Writer

SUFFIX = ".avro"


class SegmentWriter:
    """One open segment. Not safe for two threads.

    The file is created with the first record, so a run that asks nothing leaves nothing.
    """

    def __init__(self, folder: str, name_prefix: str, schema: dict[str, Any]) -> None:
        self._folder = Path(folder)
        self._prefix = name_prefix
        self._schema = fastavro.parse_schema(schema)
        self._file: Any = None
        self._writer: Any = None
        self.path: Path | None = None

    def append(self, datums: Iterable[dict[str, Any]]) -> None:
        """Write the records as whole blocks and hand them to the operating system. Raises OSError."""
        if self._writer is None:
            self._open()
        for datum in datums:
            self._writer.write(datum)
        self._writer.flush()

    def sync(self) -> None:
        """Wait until the disk has everything appended. Raises OSError."""
        if self._file is not None:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Sync and close."""
        if self._file is not None:
            try:
                self.sync()
            finally:
                self._file.close()
                self._file = self._writer = None

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self.path = self._folder / f"{self._prefix}-{os.getpid()}-{uuid.uuid4().hex[:12]}{SUFFIX}"
        self._file = open(self.path, "xb")  # noqa: SIM115 - closed by close()
        # null codec: a response is small, and compressing costs more than the disk it saves while the endpoint waits
        self._writer = Writer(self._file, self._schema, codec="null", sync_interval=256 * 1024)
        directory = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(directory)  # the name must survive a power cut as well as the blocks do
        finally:
            os.close(directory)


@dataclass(frozen=True, slots=True)
class TornSegment:
    """A segment whose tail could not be read: ``kept`` whole blocks before it could."""

    path: str
    kept: int
    why: str


def list_segments(folder: str) -> list[Path]:
    """The segments of a folder in a fixed order; empty when there is no such folder."""
    directory = Path(folder)
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if path.name.endswith(SUFFIX))


@dataclass(frozen=True, slots=True)
class Block:
    """One whole block of a segment: where it stands, how many bytes it takes, and its records."""

    offset: int
    size: int
    records: list[Any]


def read_blocks(path: Path, reader_schema: dict[str, Any] | None, torn: list[TornSegment], start: int = 0) -> Iterator[Block]:
    """Every whole block in order, from offset ``start`` on; a torn tail ends the reading and is noted in ``torn``."""
    kept = 0
    with open(path, "rb") as file:
        try:
            blocks = fastavro.block_reader(file, reader_schema)
            if start:
                file.seek(start)  # making the reader has read the header
            for block in blocks:
                records = list(block)
                kept += 1
                yield Block(block.offset, block.size, records)
        except (EOFError, ValueError, OSError, IndexError, KeyError, AssertionError, StopIteration) as error:
            torn.append(TornSegment(str(path), kept, f"{type(error).__name__}: {error}"))


class BlockReader:
    """Random access to the blocks of one segment, by the offsets and sizes that ``read_blocks`` gave, added up for neighbours."""

    def __init__(self, path: Path, reader_schema: dict[str, Any] | None) -> None:
        self._file = open(path, "rb")  # noqa: SIM115 - closed by close()
        self._schema = reader_schema
        first = next(iter(fastavro.block_reader(self._file)))
        self._file.seek(0)
        self._header = self._file.read(first.offset)

    def records(self, offset: int, size: int) -> list[Any]:
        """The records of the blocks that take ``size`` bytes from ``offset`` on."""
        self._file.seek(offset)
        return list(fastavro.reader(io.BytesIO(self._header + self._file.read(size)), self._schema))

    def close(self) -> None:
        """Close the file."""
        self._file.close()
