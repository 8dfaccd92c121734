"""Finding records again: which request has an answer on the ledger, and what the answer was.

The index lies in a temporary SQLite file, not in memory: a row costs some 40 bytes of disk. It is made from the segments each time, so it
can never disagree with them.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

from transforms.elements.replies import FailureRecord, TeacherReply
from transforms.ledger.schema import ANSWER_SCHEMA, FAILURE_SCHEMA, IDENTITY_SCHEMA, failure_record
from transforms.ledger.segments import BlockReader, TornSegment, list_segments, read_blocks
from transforms.teacher.response import read_reply

BLOCKS_IN_MEMORY = 48
OPEN_SEGMENTS = 64


def _key(*parts: object) -> int:
    digest = blake2b("\n".join(str(part) for part in parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


class _RecordIndex:
    """Records of a folder of segments by an integer key; the first record of a key stands."""

    def __init__(self, folder: str, identity: dict[str, Any], content: dict[str, Any], names: tuple[str, ...]) -> None:
        self._content = content
        self._names = names
        self._segments = list_segments(folder)
        self._readers: OrderedDict[int, BlockReader] = OrderedDict()
        self._blocks: OrderedDict[tuple[int, int], list[Any]] = OrderedDict()
        self.torn: list[TornSegment] = []
        self.size = 0
        if not self._segments:
            self._database = None
            return
        handle, self._path = tempfile.mkstemp(prefix="ledger-index-", suffix=".sqlite")
        os.close(handle)
        self._database = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=OFF")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute("CREATE TABLE record (key INTEGER PRIMARY KEY, segment INT, offset INT, size INT, position INT)")
        self._database.execute("BEGIN")
        self._database.executemany("INSERT OR IGNORE INTO record VALUES (?, ?, ?, ?, ?)", self._entries(identity))
        self._database.execute("COMMIT")
        self.size = self._database.execute("SELECT count(*) FROM record").fetchone()[0]
        if not self.size:
            self.close()

    def find(self, *identity: object) -> Any | None:
        """The record with this identity, None when there is none."""
        if self._database is None:
            return None
        place = self._database.execute("SELECT segment, offset, size, position FROM record WHERE key = ?", (_key(*identity),)).fetchone()
        if place is None:
            return None
        segment, offset, size, position = place
        record = self._block(segment, offset, size)[position]
        return record if tuple(record[name] for name in self._names) == identity else None

    def close(self) -> None:
        """Remove the temporary file; nothing is found from now on."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()
        self._blocks.clear()
        if self._database is not None:
            self._database.close()
            self._database = None
            Path(self._path).unlink(missing_ok=True)

    def _entries(self, identity: dict[str, Any]) -> Iterator[tuple[int, int, int, int, int]]:
        for number, path in enumerate(self._segments):
            for block in read_blocks(path, identity, self.torn):
                for position, record in enumerate(block.records):
                    key = _key(*(record[name] for name in self._names))
                    yield key, number, block.offset, block.size, position

    def _block(self, segment: int, offset: int, size: int) -> list[Any]:
        records = self._blocks.get((segment, offset))
        if records is not None:
            self._blocks.move_to_end((segment, offset))
            return records
        reader = self._readers.get(segment)
        if reader is None:
            reader = self._readers[segment] = BlockReader(self._segments[segment], self._content)
            if len(self._readers) > OPEN_SEGMENTS:
                self._readers.popitem(last=False)[1].close()
        else:
            self._readers.move_to_end(segment)
        records = self._blocks[segment, offset] = reader.records(offset, size)
        if len(self._blocks) > BLOCKS_IN_MEMORY:
            self._blocks.popitem(last=False)
        return records


class AnswerIndex:
    """The answered requests of a ledger folder. ``torn`` tells of segments whose tail was lost with a dying writer."""

    def __init__(self, ledger_dir: str) -> None:
        self._records = _RecordIndex(ledger_dir, IDENTITY_SCHEMA, ANSWER_SCHEMA, ("row_key", "turn", "request_hash"))

    def __len__(self) -> int:
        return self._records.size

    @property
    def torn(self) -> list[TornSegment]:
        """Segments that could not be read to their end."""
        return self._records.torn

    def find(self, row_key: str, turn: int, request_hash: str) -> TeacherReply | None:
        """The answer to this very request, None when none was paid for yet."""
        record = self._records.find(row_key, turn, request_hash)
        if record is None:
            return None
        return read_reply(record["response"], turn, record["attempts"], record["latency_ms"])

    def close(self) -> None:
        """Release the files."""
        self._records.close()


class FailureIndex:
    """The requests of one run that ended without an answer."""

    def __init__(self, failures_dir: str, run_id: str) -> None:
        self._run_id = run_id
        self._records = _RecordIndex(failures_dir, FAILURE_SCHEMA, FAILURE_SCHEMA, ("run_id", "row_key"))

    def find(self, row_key: str) -> FailureRecord | None:
        """How the row's request failed in this run, None when it did not."""
        record = self._records.find(self._run_id, row_key)
        return None if record is None else failure_record(record)

    def close(self) -> None:
        """Release the files."""
        self._records.close()
