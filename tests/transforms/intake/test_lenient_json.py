"""JSON that strict readers refuse: the row is kept where the odd value is not used, in JSON lines and in lists alike."""

import io
import subprocess
import sys
from typing import Any

import pytest

from transforms.elements import reasons
from transforms.elements.data_specs import ColumnSpec
from transforms.elements.rows import RejectedRow, Split, TrainingRow
from transforms.intake.read_spec import ReadSpec
from transforms.intake.walk import walk_rows

CHAT = '"messages": [{"role": "user", "content": "u"}]'
ODD_VALUES = [
    "NaN",
    "-Infinity",
    "Infinity",
    "1e400",
    "-1e99999999999999999999",
    "1" * 5000,
    "-" + "1" * 5000 + ".5",
    "1e-99999999999999999999",
    r'"cut: \ud83d"',
    r'["\udc9f"]',
    "[" * 400 + "]" * 400,
]


def walk(name: str, text: str, **columns: Any) -> list[TrainingRow | RejectedRow]:
    files = {name: text.encode()}
    spec = ReadSpec(100_000, columns=ColumnSpec(**columns))
    return list(walk_rows(lambda path: io.BytesIO(files[path]), list(files), Split.TRAIN, None, spec))


def both(row: str, **columns: Any) -> list[list[TrainingRow | RejectedRow]]:
    good = "{" + CHAT.replace('"u"', '"next"') + "}"
    return [walk("x.jsonl", f"{row}\n{good}\n", **columns), walk("x.json", f"[{row},\n{good}]", **columns)]


@pytest.mark.fault("D25", "T3", "X-A6")
@pytest.mark.parametrize("value", ODD_VALUES, ids=[value[:24] for value in ODD_VALUES])
def test_an_unused_value_costs_no_row(value: str) -> None:
    plain, _ = walk("x.jsonl", "{" + CHAT + "}\n\n{}")
    for rows in both('{"score": ' + value + ", " + CHAT + "}"):
        assert all(isinstance(row, TrainingRow) for row in rows)
        assert rows[0].row_key == plain.row_key


@pytest.mark.fault("D25", "T3")
@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        ("NaN", reasons.MISSING_VALUE),
        ("-Infinity", reasons.MISSING_VALUE),
        (r'"\ud83d"', reasons.INVALID_JSON),
        (r'"\ud83d\ude00"', "\U0001f600"),
        ("1e400", "1e400"),
        ("7" * 5000, "7" * 5000),
    ],
)
def test_where_such_a_value_is_used_the_row_says_so_or_it_is_written_as_it_is(value: str, outcome: str) -> None:
    for rows in both('{"score": ' + value + "}", user_template="{{score|default('none')}}"):
        found = rows[0].reason if isinstance(rows[0], RejectedRow) else rows[0].messages[0].content
        assert found == outcome
        assert isinstance(rows[1], TrainingRow)


@pytest.mark.fault("D25")
def test_half_a_surrogate_in_a_message_is_the_same_reject_in_both() -> None:
    for rows in both(r'{"messages": [{"role": "user", "content": "A cat \ud83d"}]}'):
        assert isinstance(rows[0], RejectedRow)
        assert rows[0].reason == reasons.INVALID_JSON
        assert "\\ud83d" in rows[0].detail
        assert "message 1 of 1" in rows[0].detail
        assert isinstance(rows[1], TrainingRow)


@pytest.mark.fault("D25")
def test_what_no_parser_reads_is_reported_in_the_words_of_the_strict_one() -> None:
    (row,) = walk("x.jsonl", '{"a": NaN, "b": }')
    assert isinstance(row, RejectedRow)
    assert row.reason == reasons.INVALID_JSON
    assert "column 7" in row.detail


@pytest.mark.fault("T3", "X-A6")
@pytest.mark.parametrize("number", ["9" * 5000, "9" * 90_000, "1e99999999999999999999", "-1e99999999999999999999", "0." + "1" * 5000])
def test_no_number_in_a_list_ends_the_process(number: str) -> None:
    code = (
        "import io\nfrom transforms.elements.rows import Split\nfrom transforms.intake.read_spec import ReadSpec\n"
        "from transforms.intake.walk import walk_rows\n"
        f"data = b'[{{\"a\": {number}}}]'\n"
        "print([row.reason for row in walk_rows(lambda name: io.BytesIO(data), ['x.json'], Split.TRAIN, None, ReadSpec(100_000))])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout.strip()) == (0, "['no_messages']"), ended.stderr


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_a_list_is_cut_the_same_wherever_a_chunk_ends(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ['{"score": "a \\\\\\" ] } , b\\\\", "x": [{"y": "\\\\"}, []]}', '"text, with \\" marks"', "7", "{}"]
    text = "[" + " ,\n".join(rows) + " ] \n"
    whole = [(row.reason, row.detail) for row in walk("x.json", text) if isinstance(row, RejectedRow)]
    assert [reason for reason, _ in whole] == [reasons.NO_MESSAGES, reasons.NOT_AN_OBJECT, reasons.NOT_AN_OBJECT, reasons.NO_MESSAGES]
    monkeypatch.setattr("transforms.intake.formats.json_list.CHUNK_BYTES", size)
    assert [(row.reason, row.detail) for row in walk("x.json", text) if isinstance(row, RejectedRow)] == whole


@pytest.mark.parametrize("text", ["[{},]", "[,{}]", "[{} {}]", "[{}}", "[{}] x", "[{}", "[{'a': 1}]", '[{"a": "}]', "[{}],"])
def test_a_list_that_is_not_one_is_unreadable_from_there_on(text: str) -> None:
    last = walk("x.json", text)[-1]
    assert isinstance(last, RejectedRow)
    assert last.reason == reasons.UNREADABLE_FILE


@pytest.mark.fault("D26")
def test_a_tail_of_nul_bytes_is_called_one() -> None:
    rows = walk("x.jsonl", "{" + CHAT + "}\n" + "\0" * 4096)
    assert isinstance(rows[0], TrainingRow)
    assert isinstance(rows[1], RejectedRow)
    assert "4,096 NUL bytes" in rows[1].detail
    assert "UTF-16" not in rows[1].detail


@pytest.mark.fault("D25")
def test_half_a_surrogate_in_a_name_is_escaped_in_the_message() -> None:
    for columns in ({}, {"user_template": "{{a}}"}):
        for rows in both(r'{"\ud83d": 1, "\u00e9": 2}', **columns):
            assert isinstance(rows[0], RejectedRow)
            assert rows[0].detail.encode("utf-8")
            assert "\\ud83d" in rows[0].detail


def test_control_characters_in_a_text_stay_in_it() -> None:
    for rows in both('{"messages": [{"role": "user", "content": "a\x01\tb"}]}'):
        assert [row.messages[0].content for row in rows if isinstance(row, TrainingRow)] == ["a\x01\tb", "next"]
