"""Segments: Avro files that one writer appends blocks to and nobody ever reopens for writing.

A writer that dies leaves a torn tail at worst; readers keep every whole block, wherever it is.
"""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transforms.ledger.encoding import BlockEncoder
from transforms.ledger.segment_reader import Damage, NotASegment, SegmentReader

SUFFIX = ".avro"
SPARE_DESCRIPTORS = 2


def unique_name(name_prefix: str) -> str:
    """What a writer's segments are called, without the suffix: a name that no other writer takes."""
    return f"{name_prefix}-{os.getpid()}-{uuid.uuid4().hex[:12]}"


class SegmentWriter:
    """One open segment. Not safe for two threads.

    The file is created with the first record, so a run that asks nothing leaves nothing; the descriptors for it are held until then, for
    connections may have taken all others.
    """

    def __init__(self, folder: str, name_prefix: str, schema: dict[str, Any]) -> None:
        self._folder = Path(folder)
        self._name = unique_name(name_prefix) + SUFFIX
        self._encoder = BlockEncoder(schema, self._name)
        self._file: Any = None
        self._spare = [os.open(os.devnull, os.O_RDONLY) for _ in range(SPARE_DESCRIPTORS)]
        self.path: Path | None = None

    def append(self, datums: Iterable[dict[str, Any]]) -> None:
        """Write the records, each a whole block, and hand them to the operating system. Raises OSError."""
        blocks = b"".join([self._encoder.block(datum) for datum in datums])
        if self._file is None:
            self._open()
        self._file.write(blocks)
        self._file.flush()

    def sync(self) -> None:
        """Wait until the disk has everything appended. Raises OSError, also where the file is no longer under its name."""
        if self._file is None:
            return
        os.fsync(self._file.fileno())
        assert self.path is not None
        try:
            is_there = os.path.samestat(os.stat(self.path), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            is_there = False
        if not is_there:
            raise OSError(errno.ESTALE, "the ledger was moved or removed while the run went on", str(self.path))

    def close(self) -> None:
        """Sync and close."""
        self._release_spare()
        if self._file is not None:
            try:
                self.sync()
            finally:
                self._file.close()
                self._file = None

    def _open(self) -> None:
        self._release_spare()
        self._folder.mkdir(parents=True, exist_ok=True)
        self.path = self._folder / self._name
        self._file = open(self.path, "xb")  # noqa: SIM115 - closed by close()
        self._file.write(self._encoder.header())
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


def list_segments(folder: str) -> list[Path]:
    """What has the name of a segment in a folder, in a fixed order; empty when there is no such folder."""
    directory = Path(folder)
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if path.name.endswith(SUFFIX))


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring whole blocks of a segment: where they are, how many bytes they take, and their records that can be read."""

    offset: int
    size: int
    records: list[Any]


def read_blocks(path: Path, view: dict[str, Any], torn: list[TornSegment], start: int = 0) -> Iterator[Block]:
    """Every whole block in order, from offset ``start`` on; what cannot be read is noted in ``torn``. Raises OSError where the disk fails."""
    kept = 0
    try:
        reader = SegmentReader(path, view)
    except NotASegment as error:
        torn.append(TornSegment(str(path), 0, str(error)))
        return
    with closing(reader):
        for stretch in reader.stretches(start):
            records = [record for record in stretch.records if record is not None]
            kept += len(records)
            yield Block(stretch.offset, stretch.size, records)
    why = lost_of(reader.damage)
    if why:
        torn.append(TornSegment(str(path), kept, why))


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
