"""Text files with a prompt a line."""

import gzip
import io

import pytest

from transforms.elements import reasons
from transforms.elements.data_specs import ColumnSpec
from transforms.elements.rows import RejectedRow, Split, TrainingRow
from transforms.intake.formats.registry import format_of
from transforms.intake.read_spec import ReadSpec
from transforms.intake.walk import column_problems, walk_rows


def walk(data: bytes, name: str = "prompts.txt", columns: ColumnSpec | None = None, named: str | None = None) -> list[TrainingRow | RejectedRow]:
    reading = ReadSpec(1000, named, columns or ColumnSpec())
    return list(walk_rows(lambda _: io.BytesIO(data), [name], Split.TRAIN, None, reading))


def seen(rows: list[TrainingRow | RejectedRow]) -> list[tuple[int, str]]:
    return [(row.origin.line, row.reason if isinstance(row, RejectedRow) else row.messages[0].content) for row in rows]


@pytest.mark.fault("N9")
@pytest.mark.parametrize(
    ("data", "rows"),
    [
        ("What is café?\n\n  \nName three rivers.\n".encode(), [(1, "What is café?"), (4, "Name three rivers.")]),
        (b"\xef\xbb\xbfone\r\ntwo\r\n", [(1, "one"), (2, "two")]),
        (b"one\rtwo", [(1, "one"), (2, "two")]),
        (b"no line end", [(1, "no line end")]),
        (b'"quoted", with, commas\n[1, 2]\n{not json}\n', [(1, '"quoted", with, commas'), (2, "[1, 2]"), (3, "{not json}")]),
        (b"one\ncaf\xe9\n" + b"x" * 1001 + b"\ntwo\n", [(1, "one"), (2, reasons.NOT_UTF8), (3, reasons.ROW_TOO_LARGE), (4, "two")]),
        (b"", []),
        (b"\n\n", []),
    ],
)  # fmt: skip
def test_a_line_is_a_prompt(data: bytes, rows: list[tuple[int, str]]) -> None:
    assert seen(walk(data)) == rows
    assert seen(walk(gzip.compress(data), "prompts.txt.gz")) == rows
    if b"\r" not in data:
        assert format_of("prompts.txt", None).count(io.BytesIO(data), lambda _: True) == len(rows)


@pytest.mark.fault("N9")
def test_a_prompt_is_the_same_row_as_a_chat_with_it() -> None:
    (text,) = walk(b"one\n")
    (chat,) = walk(b'{"messages": [{"role": "user", "content": "one"}]}\n', "x.jsonl")
    assert text.row_key == chat.row_key


@pytest.mark.fault("N9")
def test_a_template_finds_the_line() -> None:
    columns = ColumnSpec(user_template="Translate: {{text}}")
    assert seen(walk(b"one\n", columns=columns)) == [(1, "Translate: one")]
    assert column_problems(lambda _: io.BytesIO(b"one\n"), "x.txt", ReadSpec(1000)) == []


@pytest.mark.fault("N9")
def test_json_lines_under_the_name_of_a_text_stay_json_lines() -> None:
    data = b'not json\n{"messages": [{"role": "user", "content": "one"}]}\n'
    assert seen(walk(data)) == [(1, reasons.INVALID_JSON), (2, "one")]
    assert seen(walk(data, named="text"))[0] == (1, "not json")
    assert seen(walk(b"one\n", "prompts", named="text")) == [(1, "one")]
