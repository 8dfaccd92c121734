"""What was asked about a row before, whatever it was."""

from __future__ import annotations

from typing import Any, NamedTuple

from transforms.elements.usage import Usage
from transforms.ledger.avro_schema import REQUEST_SCHEMA
from transforms.ledger.index import ANSWERED, RecordIndex
from transforms.ledger.storage import LedgerStorage


class EarlierRequest(NamedTuple):
    """The body of an answered request, JSON, and the tokens that it and its answer took; None where they were not reported."""

    payload: str
    usage: Usage | None


class EarlierRequests:
    """The answered requests of a ledger by row and turn alone. Read when it is first looked at."""

    def __init__(self, ledger_dir: str, storage: LedgerStorage | None = None) -> None:
        self._ledger_dir = ledger_dir
        self._storage = storage
        self._read: RecordIndex[EarlierRequest] | None = None

    @property
    def turns(self) -> int:
        """How many turns of rows have an answer."""
        return self._records().turns

    def find(self, row_key: str, turn: int) -> EarlierRequest | None:
        """The last such request about this turn of the row; None when there is none."""
        return self._records().find(row_key, turn)

    def close(self) -> None:
        """Release the files."""
        if self._read is not None:
            self._read.close()

    def _records(self) -> RecordIndex[EarlierRequest]:
        if self._read is None:
            self._read = RecordIndex(self._ledger_dir, ANSWERED, REQUEST_SCHEMA, _request, self._storage)
        return self._read


def _request(record: dict[str, Any]) -> EarlierRequest:
    prompt, completion = record["prompt_tokens"], record["completion_tokens"]
    known = prompt is not None and completion is not None
    usage = Usage(prompt, completion, record["cached_tokens"] or 0, record["reasoning_tokens"] or 0) if known else None
    return EarlierRequest(str(record["payload"]), usage)
