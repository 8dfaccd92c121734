"""Fields read straight from a record's bytes are those that the library reads, and bytes that are no record give none."""

import io
import random
import struct
from typing import Any

import fastavro
import pytest
from ledger_records import a_record

from transforms.elements.replies import FailureRecord
from transforms.ledger.avro_schema import (
    ANSWER_SCHEMA,
    FAILED_SCHEMA,
    FAILURE_SCHEMA,
    IDENTITY_SCHEMA,
    LEDGER_SCHEMA,
    REQUEST_SCHEMA,
    USAGE_SCHEMA,
    as_datum,
    written_schemas,
)  # fmt: skip
from transforms.ledger.encoding import SYNC_BYTES, BlockEncoder
from transforms.ledger.record_decoder import decoder_of

VIEWS = [LEDGER_SCHEMA, IDENTITY_SCHEMA, ANSWER_SCHEMA, REQUEST_SCHEMA, USAGE_SCHEMA]


def plain(schema: dict[str, Any]) -> dict[str, Any]:
    """With times as numbers, as segments are read."""
    return {**schema, "fields": [{**field, "type": "long" if isinstance(field["type"], dict) else field["type"]} for field in schema["fields"]]}


def content_of(schema: dict[str, Any], datum: dict[str, Any]) -> bytes:
    block = BlockEncoder(schema, "x.avro").block(datum)
    size, shift, at = 0, 0, 1
    while True:
        size |= (block[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if block[at - 1] < 0x80:
            break
    assert size >> 1 == len(block) - at - SYNC_BYTES
    return block[at:-SYNC_BYTES]


def by_the_library(written: dict[str, Any], view: dict[str, Any], content: bytes) -> Any:
    return fastavro.schemaless_reader(io.BytesIO(content), plain(written), plain(view))


def records() -> list[dict[str, Any]]:
    chance = random.Random(1)
    numbers = (None, 0, 1, 63, 64, 127, 128, 2**31, 2**62)
    made = []
    for number in range(60):
        tokens = {name: chance.choice(numbers) for name in ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")}
        texts = {name: "ä\u2028x" * chance.choice((0, 1, 20, 63, 5000)) for name in ("payload", "response", "file")}
        others = {"line": chance.choice(numbers) or 0, "model": chance.choice((None, "", "m")), "latency_ms": chance.random() * 1e9}
        made.append(as_datum(a_record(number, **tokens, **texts, **others, endpoint=chance.choice((None, "west")))))
    return made


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: str(len(view["fields"])))
@pytest.mark.parametrize("written", written_schemas(LEDGER_SCHEMA), ids=["new", "before samples", "before token counts"])
def test_the_same_fields_as_the_library_reads(written: dict[str, Any], view: dict[str, Any]) -> None:
    decode = decoder_of(written, view)
    assert decode is not None
    for datum in records():
        content = content_of(written, datum)
        assert decode(content) == by_the_library(written, view, content)


@pytest.mark.parametrize("view", [FAILURE_SCHEMA, FAILED_SCHEMA], ids=["all", "some"])
@pytest.mark.parametrize("later", [(), ("body", "given_up")], ids=["new", "old"])
def test_failures_have_bytes_booleans_and_defaults(view: dict[str, Any], later: tuple[str, ...]) -> None:
    written = {**FAILURE_SCHEMA, "fields": [field for field in FAILURE_SCHEMA["fields"] if field["name"] not in later]}
    decode = decoder_of(written, view)
    assert decode is not None
    for body, given_up in ((None, True), (b"\xff\x00", False)):
        failure = FailureRecord(
            "run-1", "train", "row-1", "rows.jsonl", 1, 0, "broken_body", "no JSON", 200, "", 1, body=body, given_up=given_up
        )
        content = content_of(written, as_datum(failure))
        assert decode(content) == by_the_library(written, view, content)


def test_a_record_that_ends_too_early_is_refused() -> None:
    decode = decoder_of(LEDGER_SCHEMA, LEDGER_SCHEMA)
    content = content_of(LEDGER_SCHEMA, as_datum(a_record(1)))
    assert decode is not None
    for length in range(len(content)):
        with pytest.raises((ValueError, IndexError, struct.error)):
            decode(content[:length])


def test_random_bytes_raise_nothing_else() -> None:
    decode = decoder_of(LEDGER_SCHEMA, ANSWER_SCHEMA)
    whole = content_of(LEDGER_SCHEMA, as_datum(a_record(1)))
    chance = random.Random(2)
    assert decode is not None
    refused = 0
    for _ in range(3_000):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 5)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            decode(bytes(content))
        except (ValueError, IndexError, struct.error):
            refused += 1
    assert refused > 1_000


@pytest.mark.parametrize(
    "kind", [{"type": "array", "items": "string"}, ["null", "string", "long"], "float", {"type": "fixed", "name": "F", "size": 4}]
)
def test_a_schema_with_other_types_is_left_to_the_library(kind: Any) -> None:
    written = {**LEDGER_SCHEMA, "fields": [{"name": "odd", "type": kind}, *LEDGER_SCHEMA["fields"]]}
    assert decoder_of(written, ANSWER_SCHEMA) is None
    assert decoder_of({**LEDGER_SCHEMA, "fields": [{"name": "response", "type": "long"}]}, ANSWER_SCHEMA) is None
