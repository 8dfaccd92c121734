"""All records of a ledger, each with whether it is current: the one that counts of its row and turn.

Those before were superseded, by a retry or by other settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from transforms.ledger.avro_schema import ANSWER_SCHEMA, record_key
from transforms.ledger.index import ANSWERED, RecordIndex
from transforms.ledger.segments import TornSegment, read_blocks
from transforms.ledger.storage import LedgerStorage


def records_and_current(
    ledger_dir: str, view: dict[str, Any], torn: list[TornSegment], storage: LedgerStorage
) -> Iterator[tuple[dict[str, Any], bool]]:
    """Every record that can be read, segment by segment; what cannot is noted in ``torn``. What is written meanwhile counts as current.

    ``view`` has the fields ``row_key``, ``sample`` and ``turn``.
    """
    with closing(RecordIndex(ledger_dir, ANSWERED, ANSWER_SCHEMA, lambda record: None, storage)) as index:
        for segment in storage.segments(ledger_dir):
            for block in read_blocks(storage.open(segment, whole=True), view, torn):
                for position, record in enumerate(block.records):
                    if record is not None:
                        yield record, index.is_current(segment.path, block.offset, position, record_key(record), record["turn"])
