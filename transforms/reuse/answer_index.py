"""Which request has an answer on the ledger, and what the answer was."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from transforms.elements.replies import TeacherReply
from transforms.ledger.avro_schema import ANSWER_SCHEMA, REQUEST_SCHEMA
from transforms.ledger.index import ANSWERED, RecordIndex
from transforms.ledger.segments import TornSegment
from transforms.ledger.storage import LedgerStorage
from transforms.teacher.payload import token_limit_in
from transforms.teacher.response import read_reply

_FIRST = itemgetter(0)


def _read_reply(record: dict[str, Any]) -> tuple[TeacherReply, str]:
    return read_reply(record["response"], record["turn"], record["attempts"], record["latency_ms"]), str(record["run_id"])


def _with_body(record: dict[str, Any]) -> tuple[TeacherReply, str]:
    reply, run_id = _read_reply(record)
    return reply._replace(body=record["response"]), run_id


class AnswerIndex:
    """The answered requests of a ledger folder, by ``sample_key``.

    ``torn`` says of which segments something was lost, with a dying writer or by damage. ``with_bodies``: replies have their whole response.
    """

    def __init__(self, ledger_dir: str, storage: LedgerStorage | None = None, with_bodies: bool = False) -> None:
        self._records = RecordIndex(ledger_dir, ANSWERED, ANSWER_SCHEMA, _with_body if with_bodies else _read_reply, storage)
        self._token_limits: set[int] = set()

    def __len__(self) -> int:
        return self._records.size

    def refresh(self) -> None:
        """Take in what was recorded since the index was made."""
        self._records.refresh()

    def write_indexes(self) -> None:
        """Keep what had to be read from segments without an index; for a process that may write to the ledger's folder."""
        self._records.write_indexes()

    def repeated(self, run_id: str) -> int:
        """Answers of one run beyond the first to the same request: paid for more than once, by a worker that was lost or ran twice."""
        return self._records.repeated(f"{run_id}-")

    @property
    def torn(self) -> list[TornSegment]:
        """Segments of which something could not be read, as far as it was looked at."""
        return self._records.torn

    def token_limits(self) -> set[int]:
        """The limits that requests on the ledger were sent with. A run has one."""
        for record in self._records.openings(REQUEST_SCHEMA):
            limit = token_limit_in(record["payload"])
            if limit is not None:
                self._token_limits.add(limit)
        return self._token_limits

    def find(self, sample_key: str, turn: int, request_hash: str) -> TeacherReply | None:
        """The answer to this very request, None when none was paid for yet."""
        return next(self.find_all(sample_key, turn, request_hash), None)

    def find_all(self, sample_key: str, turn: int, request_hash: str) -> Iterator[TeacherReply]:
        """Every answer to this very request, the last one first."""
        return map(_FIRST, self._records.find_all(sample_key, turn, request_hash))

    def asked_by(self, sample_key: str, turn: int, request_hash: str) -> str | None:
        """The id of the run that got the answer which ``find`` gives, None when there is none."""
        found = self._records.find(sample_key, turn, request_hash)
        return None if found is None else found[1]

    def close(self) -> None:
        """Release the files."""
        self._records.close()
