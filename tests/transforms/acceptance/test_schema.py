"""Answers that fit a JSON Schema, and schemas that cannot be used."""

import json

import pytest
from acceptance_samples import a_sample, refusal

from transforms.acceptance.base import WrongSetting
from transforms.acceptance.schema import SchemaCheck

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"$ref": "#/$defs/age"}},
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"age": {"type": "integer", "minimum": 0}},
}


def check(schema: object = PERSON) -> SchemaCheck:
    return SchemaCheck.from_settings({"answer_schema": json.dumps(schema)})


@pytest.mark.parametrize("answer", ['{"name": "Ada"}', ' {"name": "Ada", "age": 36}\n'])
def test_json_that_fits_is_accepted(answer: str) -> None:
    assert refusal(check(), a_sample(answer)) is None


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        ("Ada, 36", "the answer is not JSON (Expecting value: line 1 column 1 (char 0))"),
        ('```json\n{"name": "Ada"}\n```', "JSON that fits, with a code fence (```) around it: ask for JSON alone in the prompt, or"),
        ('```\n{"name": "Ada"}```\n', "JSON that fits, with a code fence (```) around it: ask"),
        ('Here it is:\n```json\n{"name": "Ada"}\n```', "JSON that fits, with a code fence (```) and text around it: ask"),
        ('```json\n{"name": 1}\n```', "JSON with a code fence (```) around it, and $.name: 1 is not of type 'string'"),
        ('```json\n{"name": "Ada"}', "JSON that fits, with text around it: ask"),
        ('```json\n{"name": Ada}\n```', "the answer is not JSON ("),
        ('{"name": "Ada"} Hope this helps!', "JSON that fits, with text around it: ask"),
        ('{"name": "Ada"} or {"name": "Bob"}', "the answer is not JSON (Extra data"),
        ('```json\n{"name": NaN}\n```', "the answer is not JSON ("),
        ('{"name": NaN}', "the answer is not JSON (NaN is not JSON)"),
        ('{"age": 36}', "$: 'name' is a required property"),
        ('{"name": "Ada", "age": "36"}', "$.age: '36' is not of type 'integer'"),
        ('{"name": "Ada", "age": -1}', "$.age: -1 is less than the minimum of 0"),
        ("[" * 100_000, "the answer is "),
    ],
)
def test_everything_else_is_refused_with_the_first_mismatch(answer: str, finding: str) -> None:
    refused = refusal(check(), a_sample(answer))
    assert refused is not None
    assert refused[0] == "schema_mismatch"
    assert refused[1].startswith(finding)
    assert len(refused[1]) <= 300


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (None, "needs answer_schema, a JSON Schema: --answer_schema @schema.json"),
        ("{", "needs a JSON Schema, and answer_schema is not JSON"),
        ("[1]", "needs a JSON Schema, an object"),
        ('{"type": "objekt"}', "cannot use answer_schema: $.type: 'objekt' is not"),
        ('{"$ref": "http://example.org/person.json"}', "cannot use answer_schema: it refers to http://example.org/person.json, and"),
        ('{"$ref": "#/$defs/none"}', "cannot use answer_schema: it refers to #/$defs/none, which it does not have"),
        ('{"type": "string", "pattern": "("}', "cannot use answer_schema: $.pattern: '(' is not a 'regex'"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_before_anything_is_sent(schema: str | None, said: str) -> None:
    with pytest.raises(WrongSetting) as wrong:
        SchemaCheck.from_settings({"answer_schema": schema})
    assert str(wrong.value).startswith(said)


def test_a_schema_that_only_some_answers_break_never_ends_the_run() -> None:
    refused = refusal(check({"properties": {"a": {"$ref": "#nowhere"}}}), a_sample('{"a": 1}'))
    assert refused is not None
    assert refused[1].startswith("the schema cannot be applied: ")


def test_older_drafts_are_read_as_they_say() -> None:
    draft4 = check({"$schema": "http://json-schema.org/draft-04/schema#", "type": "number", "minimum": 3, "exclusiveMinimum": True})
    assert refusal(draft4, a_sample("4")) is None
    assert refusal(draft4, a_sample("3")) is not None
