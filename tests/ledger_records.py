"""Records for tests of the ledger, and callbacks of its recorder."""

import threading
from pathlib import Path

from transforms.elements.replies import LedgerRecord
from transforms.ledger.avro_schema import LEDGER_SCHEMA, as_datum
from transforms.ledger.segments import SUFFIX, SegmentWriter

BODY = '{"choices": [{"message": {"content": "%s"}, "finish_reason": "stop"}]}'


def a_record(number: int = 0, **changes: object) -> LedgerRecord:
    record = LedgerRecord(
        "run-1", "train", f"row-{number}", "rows.jsonl", number + 1, 0, "hash", "m", "{}", None, 200, BODY % number,
        "stop", 10, 2, 1, 12.5, 1_700_000_000_000, 1_700_000_000_012,
    )  # fmt: skip
    return record._replace(**changes)  # type: ignore[arg-type]


def write(folder: Path, records: list[LedgerRecord], prefix: str = "run-1", blocks_of: int = 3) -> Path:
    writer = SegmentWriter(str(folder), prefix, LEDGER_SCHEMA)
    for start in range(0, len(records), blocks_of):
        writer.append(as_datum(record) for record in records[start : start + blocks_of])
    writer.close()
    assert writer.path is not None
    return writer.path


def list_segments(folder: str) -> list[Path]:
    """In the order of their names; none if there is no such folder."""
    return sorted(path for path in Path(folder).glob("*") if path.name.endswith(SUFFIX))


class Notes:
    """Collects the recorder's calls."""

    def __init__(self) -> None:
        self.safe: list[int] = []
        self.failed: list[int] = []
        self.error: Exception | None = None
        self.heard = threading.Condition()

    def on_safe(self, tokens: list[int]) -> None:
        with self.heard:
            self.safe.extend(tokens)
            self.heard.notify_all()

    def on_failed(self, tokens: list[int], error: Exception) -> None:
        with self.heard:
            self.failed.extend(tokens)
            self.error = error
            self.heard.notify_all()

    def wait_for(self, count: int) -> None:
        with self.heard:
            assert self.heard.wait_for(lambda: len(self.safe) + len(self.failed) >= count, timeout=60)
