"""Finding what was recorded about requests without an answer."""

from __future__ import annotations

from transforms.elements.replies import FailureRecord
from transforms.ledger.avro_schema import FAILED_SCHEMA, FAILURE_SCHEMA, failure_record
from transforms.ledger.index import Identity, RecordIndex
from transforms.ledger.storage import LedgerStorage

_FAILED = Identity(FAILED_SCHEMA, lambda record: (record["row_key"], 0, record["run_id"]))


class FailureIndex:
    """The attempts of one run that gave no answer, and among them those that were a request's last."""

    def __init__(self, failures_dir: str, run_id: str, storage: LedgerStorage | None = None) -> None:
        self._run_id = run_id
        self._records = RecordIndex(failures_dir, _FAILED, FAILURE_SCHEMA, failure_record, storage)

    def find(self, row_key: str) -> FailureRecord | None:
        """How the row's request failed in this run, None when it did not: an attempt that was to be followed by another is not a failure."""
        return next((record for record in self._records.find_all(row_key, 0, self._run_id) if record.given_up), None)

    def latest_attempt(self, row_key: str) -> FailureRecord | None:
        """The row's latest recorded attempt without an answer in this run, whether or not it was to be followed by another."""
        return self._records.find(row_key, 0, self._run_id)

    def close(self) -> None:
        """Release the files."""
        self._records.close()


class FailureIndexes:
    """Several of these: what the first of them finds."""

    def __init__(self, indexes: list[FailureIndex]) -> None:
        self._indexes = indexes

    def find(self, row_key: str) -> FailureRecord | None:
        """As ``FailureIndex.find``."""
        return next((found for index in self._indexes if (found := index.find(row_key)) is not None), None)

    def latest_attempt(self, row_key: str) -> FailureRecord | None:
        """As ``FailureIndex.latest_attempt``."""
        return next((found for index in self._indexes if (found := index.latest_attempt(row_key)) is not None), None)

    def close(self) -> None:
        """Release the files."""
        for index in self._indexes:
            index.close()
