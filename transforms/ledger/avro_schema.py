"""The Avro schemas of the ledger and of its failures, and their version."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from transforms.elements.replies import FailureRecord, LedgerRecord
from transforms.elements.rows import sample_key
from transforms.elements.usage import Usage
from transforms.ledger.encoding import checksum

SCHEMA_VERSION = 1
_MILLIS = {"type": "long", "logicalType": "timestamp-millis"}


def _nullable(kind: str) -> list[str]:
    return ["null", kind]


LEDGER_SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "AnsweredRequest",
    "namespace": "beam_distill.ledger",
    "doc": "One request that the teacher answered. Never changed, never appended to by another writer.",
    "fields": [
        {"name": "schema_version", "type": "int", "default": SCHEMA_VERSION},
        {"name": "run_id", "type": "string"},
        {"name": "split", "type": "string"},
        {"name": "row_key", "type": "string", "doc": "content digest and occurrence, stable across runs"},
        {"name": "file", "type": "string"},
        {"name": "line", "type": "long", "doc": "1-based, as of the run that asked"},
        {"name": "turn", "type": "int"},
        {"name": "request_hash", "type": "string", "doc": "covers messages, sampling, model and extra body"},
        {"name": "model", "type": _nullable("string"), "default": None},
        {"name": "payload", "type": "string", "doc": "the request body, JSON"},
        {"name": "reference_answer", "type": _nullable("string"), "default": None},
        {"name": "status", "type": "int"},
        {"name": "response", "type": "string", "doc": "the whole response body"},
        {"name": "finish_reason", "type": _nullable("string"), "default": None},
        {"name": "prompt_tokens", "type": _nullable("long"), "default": None},
        {"name": "completion_tokens", "type": _nullable("long"), "default": None},
        {"name": "attempts", "type": "int"},
        {"name": "latency_ms", "type": "double"},
        {"name": "sent_at_ms", "type": _MILLIS},
        {"name": "answered_at_ms", "type": _MILLIS},
        {"name": "response_id", "type": _nullable("string"), "default": None, "doc": "what the server calls this response in its own logs"},
        {"name": "endpoint", "type": _nullable("string"), "default": None, "doc": "which endpoint answered, by name"},
        {"name": "checksum", "type": _nullable("long"), "default": None, "doc": "CRC-32 of row_key, turn, request_hash and response"},
        {"name": "cached_tokens", "type": _nullable("long"), "default": None, "doc": "part of prompt_tokens"},
        {"name": "reasoning_tokens", "type": _nullable("long"), "default": None, "doc": "part of completion_tokens"},
        {"name": "sample", "type": _nullable("int"), "default": None, "doc": "which of the row's samples, from 0; null is 0"},
    ],
}

FAILURE_SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "FailedRequest",
    "namespace": "beam_distill.ledger",
    "doc": "One attempt that gave no answer; where it was the last one, a rerun sends the request again.",
    "fields": [
        {"name": "schema_version", "type": "int", "default": SCHEMA_VERSION},
        {"name": "run_id", "type": "string"},
        {"name": "split", "type": "string"},
        {"name": "row_key", "type": "string"},
        {"name": "file", "type": "string"},
        {"name": "line", "type": "long"},
        {"name": "turn", "type": "int"},
        {"name": "kind", "type": "string"},
        {"name": "detail", "type": "string"},
        {"name": "status", "type": _nullable("int"), "default": None},
        {"name": "excerpt", "type": "string"},
        {"name": "attempts", "type": "int"},
        {"name": "response_id", "type": _nullable("string"), "default": None},
        {"name": "body", "type": _nullable("bytes"), "default": None, "doc": "the whole body where it came with status 200"},
        {"name": "given_up", "type": "boolean", "default": True, "doc": "false: the request was sent again, or a rerun sends it"},
    ],
}


_ADDED = (("cached_tokens", "reasoning_tokens"), ("sample",))
"""Fields that older segments do not have, in the order in which they were added; each is at the end of its schema."""


def written_schemas(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The schema as segments are written with it, and as they were before fields were added, the newest first."""
    written = [schema]
    for names in reversed(_ADDED):
        older = [field for field in written[-1]["fields"] if field["name"] not in names]
        if len(older) < len(written[-1]["fields"]):
            written.append({**schema, "fields": older})
    return written


def _only(*names: str, schema: dict[str, Any] = LEDGER_SCHEMA) -> dict[str, Any]:
    return {**schema, "fields": [field for field in schema["fields"] if field["name"] in names]}


# views of the ledger: fastavro skips the fields they leave out without decoding them
IDENTITY_SCHEMA = _only("row_key", "turn", "request_hash", "sample")
ANSWER_SCHEMA = _only("run_id", "row_key", "turn", "request_hash", "response", "attempts", "latency_ms", "checksum", "sample")
REQUEST_SCHEMA = _only(
    "row_key", "turn", "request_hash", "payload", "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "sample"
)
USAGE_SCHEMA = _only("split", "turn", "attempts", "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")
FAILED_SCHEMA = _only("run_id", "row_key", "given_up", schema=FAILURE_SCHEMA)

_FAILURE_NAMES = tuple(field.name for field in fields(FailureRecord))


def record_key(record: dict[str, Any]) -> str:
    """The ``sample_key`` of a record's sample."""
    return sample_key(record["row_key"], record["sample"] or 0)


def paid_usage(record: dict[str, Any]) -> Usage:
    """The tokens that a record's answer took: none where it is the answer to another row's identical request, which took no attempt."""
    if not record["attempts"]:
        return Usage()
    return Usage(*(record[f"{name}_tokens"] or 0 for name in Usage._fields))


def as_datum(record: LedgerRecord | FailureRecord) -> dict[str, Any]:
    """The record as the dictionary that fastavro writes."""
    datum: dict[str, Any] = record._asdict() if isinstance(record, LedgerRecord) else asdict(record)
    datum["schema_version"] = SCHEMA_VERSION
    if isinstance(record, LedgerRecord):
        datum["checksum"] = checksum(record_key(datum), record.turn, record.request_hash, record.response)
    return datum


def failure_record(datum: dict[str, Any]) -> FailureRecord:
    """A dictionary read from a failures segment as a record."""
    return FailureRecord(**{name: datum[name] for name in _FAILURE_NAMES})
