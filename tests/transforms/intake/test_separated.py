"""CSV as spreadsheets, pandas and people write it."""

import csv
import io

import pytest

from transforms.elements import reasons
from transforms.elements.data_specs import ColumnSpec
from transforms.elements.rows import RejectedRow, Split
from transforms.intake.formats.base import UnusableFile
from transforms.intake.formats.registry import FORMATS
from transforms.intake.read_spec import ReadSpec
from transforms.intake.walk import column_problems, walk_rows

TEMPLATED = ColumnSpec(user_template="{{a}}|{{b}}")


def walk(text: str | bytes, name: str = "x.csv", columns: ColumnSpec = TEMPLATED) -> list[tuple[int, str]]:
    """The line of each row, and its prompt or its reason."""
    data = text.encode() if isinstance(text, str) else text
    rows = list(walk_rows(lambda _: io.BytesIO(data), [name], Split.TRAIN, None, ReadSpec(100_000, columns=columns)))
    assert FORMATS["csv"].count(io.BytesIO(data), lambda _: True) <= max(len(rows), 1) + data.count(b"\n")
    return [(row.origin.line, row.reason if isinstance(row, RejectedRow) else row.messages[0].content) for row in rows]


@pytest.mark.fault("A5")
@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (",a,b\n0,x,y\n1,z,w\n", [(2, "x|y"), (3, "z|w")]),
        ('"",a,b\n0,x,y\n', [(2, "x|y")]),
        ("a,b,\nx,y,\n", [(2, "x|y")]),
        ("a,b,,\nx,y\n", [(2, "x|y")]),
        ("a,b\nx,y,,\n", [(2, "x|y")]),
        ("a,,b\nx,unnamed,y\n", [(2, "x|y")]),
        ("sep=,\na,b\nx,y\n", [(3, "x|y")]),
        ("\ufeffsep=;\r\na;b\r\nx;y\r\n", [(3, "x|y")]),
        ('"sep=\t"\na\tb\nx\ty\n', [(3, "x|y")]),
        ("SEP=|\na|b\nx|y\n", [(3, "x|y")]),
        ("a;b\nx;y,z\n", [(2, "x|y,z")]),
        ("a\tb\nx\ty\n", [(2, "x|y")]),
        ("a|b\nx|y,z\n", [(2, "x|y,z")]),
        ("a,b\rx,y\rz,w", [(2, "x|y"), (3, "z|w")]),
        ("a,b\r\nx,y\r\n", [(2, "x|y")]),
        ('a,b\n"x\ry",z\n', [(2, "x\ry|z")]),
        ("a,b\nx,y\rz\nv,w\n", [(2, "x|y\rz"), (3, "v|w")]),  # to_csv of pandas: only line feeds are quoted
        ("a,b\r\nx\r,\r\ry\r\n", [(2, "x\r|\r\ry")]),
        ("a,b\r\r\nx,y\r\r\n", [(2, "x|y")]),  # text mode of Windows on top of CSV's own line ends
        ('a,b\n"x\ry\n\rz",v\rw\n', [(2, "x\ry\n\rz|v\rw")]),
        ("a,b\nx,y\r", [(2, "x|y")]),
    ],
)  # fmt: skip
def test_what_spreadsheets_and_pandas_write(text: str, rows: list[tuple[int, str]]) -> None:
    assert walk(text) == rows


@pytest.mark.fault("A4")
def test_byte_order_marks_of_joined_files() -> None:
    assert walk("\ufeffa,b\nx,y\n\ufeffz,w\n") == [(2, "x|y"), (3, "z|w")]
    assert walk("\ufeff\ufeffa,\u200bb\nx,y\n") == [(2, "x|y")]


@pytest.mark.fault("A5")
def test_a_header_of_empty_names_is_refused() -> None:
    assert walk(",,\n1,2,3\n") == [(1, reasons.UNREADABLE_FILE)]
    assert column_problems(lambda _: io.BytesIO(b",a,b\n0,x,y\n"), "x.csv", ReadSpec(1000, columns=TEMPLATED)) == []


@pytest.mark.fault("A5")
def test_json_lines_with_old_line_ends() -> None:
    rows = walk(b'{"a": 1, "b": 2}\r{"a": 3, "b": 4}\r', "x.jsonl")
    assert rows == [(1, "1|2"), (2, "3|4")]
    assert walk(b'{"a":\r1, "b": 2}', "x.jsonl") == [(1, "1|2")]
    assert FORMATS["jsonl"].count(io.BytesIO(b'{"a": 1}\r{"a": 3}\r'), lambda _: True) == 2


@pytest.mark.fault("X-C4")
@pytest.mark.parametrize(
    ("text", "rows_before", "says"),
    [
        ('a,b\nx,y\n"open,b\n' + "c,d\n" * 2000, 1, "line 3 is never closed"),
        ('a,b\nx,y\n"open,b\n' + "c,d\n" * 200_000, 1, "lines 3 to"),
        ('a,b\nx,"open\n' + "c,d\n" * 20, 0, "line 2 is never closed"),
        ('a,b\nx,y\n"only the last line is torn', 1, "line 3 is never closed"),
        ('a,b\n"open,b\nc,d\ne,"quoted"\nf,g\n', 0, "line 2 or later"),
        ('"a","b"\n"q1","a1\n"q2","a2"\n"q3","a3"\n', 0, "line 2 or later"),
        ('a\n"open\nb\nc\n"quoted"\n', 0, "line 2 or later"),
        ('a;b\nx;y\n"open;b\nc;d\n', 1, "line 3 is never closed"),
        ('a,b\rx,y\r"open,b\rc,d', 1, "line 3 is never closed"),
    ],
)
def test_a_quote_that_swallows_rows_makes_the_file_unreadable(text: str, rows_before: int, says: str) -> None:
    columns = TEMPLATED if "b" in text[:8] else ColumnSpec(user_template="{{a}}")
    data = text.encode()
    rows = list(walk_rows(lambda _: io.BytesIO(data), ["x.csv"], Split.TRAIN, None, ReadSpec(100_000, columns=columns)))
    assert len(rows) == rows_before + 1
    last = rows[-1]
    assert isinstance(last, RejectedRow)
    assert last.reason == reasons.UNREADABLE_FILE
    assert says in last.detail
    assert "quote" in last.detail


@pytest.mark.parametrize("limit", [10, 2**30], ids=["small", "large"])
def test_reading_does_not_depend_on_the_csv_limit_of_the_process(limit: int) -> None:
    before = csv.field_size_limit(limit)  # as another library, or a notebook, may have set it
    try:
        unclosed = 'a,b\nx,y\n"open,b\n' + "c,d\n" * 200_000
        test_a_quote_that_swallows_rows_makes_the_file_unreadable(unclosed, 1, "lines 3 to 25003 is longer than the 100,000 bytes")
        assert walk(f"a,b\n{'x' * 90_000},y\n".encode(), "x.csv") == [(2, f"{'x' * 90_000}|y")]
    finally:
        csv.field_size_limit(before)


@pytest.mark.fault("X-C4")
@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('a,b\n"He said "yes" and left",b\nc,d\n', [(2, reasons.BAD_ROW), (3, "c|d")]),
        ('a,b\n"first line\nsecond line said "no" there",b\nc,d\n', [(2, reasons.BAD_ROW), (4, "c|d")]),
        ('a,b\n"first line\nsecond, line",y\nc,d\n', [(2, "first line\nsecond, line|y"), (4, "c|d")]),
        ('a,b\n"one field\nover two lines"\nc,d\n', [(2, reasons.BAD_ROW), (4, "c|d")]),
    ],
)
def test_a_bad_row_costs_itself_alone(text: str, rows: list[tuple[int, str]]) -> None:
    assert walk(text) == rows


def test_a_header_that_cannot_be_read_is_reported() -> None:
    with pytest.raises(UnusableFile, match="never closed"):
        column_problems(lambda _: io.BytesIO(b'a,"b\nx,y\n'), "x.csv", ReadSpec(1000, columns=TEMPLATED))


def test_commas_under_a_name_for_tabs() -> None:
    assert walk("a,b\nx,y\n", "x.tsv") == [(2, "x|y")]
    assert walk("a\tb\nx,1\ty\n", "x.tsv") == [(2, "x,1|y")]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('a\tb\n"5 inch disk?\ty\nc\td\nsay "x" now\te\n', [(2, '"5 inch disk?|y'), (3, "c|d"), (4, 'say "x" now|e')]),
        ('a\tb\n"x\ty\nc"\td\n', [(2, '"x|y'), (3, 'c"|d')]),
        ('a\tb\n"x" y\tz\nc\td\n', [(2, '"x" y|z'), (3, "c|d")]),
        ('a\tb\nx\t"y\nc\td\n', [(2, 'x|"y'), (3, "c|d")]),
        ('a\tb\n"only ""one"" is quoted"\t"y\nc\td\n', [(2, 'only "one" is quoted|"y'), (3, "c|d")]),
        ('a\tb\n"x"\t"two\nlines"\nc\td\n', [(2, "x|two\nlines"), (4, "c|d")]),
        ('a\tb\n"two\nlines"\tx\nc\td\n', [(2, "two\nlines|x"), (4, "c|d")]),
        ('a\tb\nx\r1\t"y\r2\nc\td\n', [(2, 'x\r1|"y\r2'), (3, "c|d")]),
    ],
)
def test_between_tabs_a_quote_may_be_a_quote(text: str, rows: list[tuple[int, str]]) -> None:
    """GLUE and most exports with tabs quote nothing; spreadsheets quote as in CSV."""
    assert walk(text, "x.tsv") == rows


def test_one_quote_in_a_long_file_with_tabs_changes_nothing() -> None:
    lines = [f"x{number}\ty" for number in range(30_000)]
    lines[10] = '"x\ty'
    rows = walk("a\tb\n" + "\n".join(lines), "x.tsv")
    assert rows == [(place + 2, line.replace("\t", "|")) for place, line in enumerate(lines)]


@pytest.mark.parametrize("word", ["nan", "NaN", "None", "null", "NULL", "NA", "N/A", "n/a", "<NA>", "#N/A", "NaT", r"\N", " nan "])
def test_a_word_for_a_missing_value_is_one(word: str) -> None:
    rows = list(
        walk_rows(lambda _: io.BytesIO(f"a,b\n{word},y\nx,y\n".encode()), ["x.csv"], Split.TRAIN, None, ReadSpec(100_000, columns=TEMPLATED))
    )
    refused = rows[0]
    assert isinstance(refused, RejectedRow)
    assert refused.reason == reasons.MISSING_VALUE
    assert f"the cell of 'a' is {word.strip()!r}, which counts as empty" in refused.detail
    assert "csv_literal" in refused.detail
    assert not isinstance(rows[1], RejectedRow)


@pytest.mark.parametrize("text", ["none", "Nan", "nano", "NAN", "not applicable", "NULL value", "0", "false"])
def test_other_words_are_text(text: str) -> None:
    assert walk(f"a,b\n{text},y\n") == [(2, f"{text}|y")]


def test_a_template_can_allow_for_a_missing_word_and_a_verbatim_file_keeps_it() -> None:
    optional = ColumnSpec(user_template="{{a or '-'}}|{{b}}")
    assert walk("a,b\nNULL,y\n", columns=optional) == [(2, "-|y")]
    data = b"a,b\nNone,y\n"
    (row,) = walk_rows(lambda _: io.BytesIO(data), ["x.csv"], Split.TRAIN, None, ReadSpec(100_000, "csv_literal", columns=TEMPLATED))
    assert not isinstance(row, RejectedRow)
    assert row.messages[0].content == "None|y"


def test_a_missing_word_as_label_is_no_label() -> None:
    columns = ColumnSpec(user_template="{{a}}", label="label")
    data = b"a,label\nx,nan\ny,yes\n"
    rows = list(walk_rows(lambda _: io.BytesIO(data), ["x.csv"], Split.TRAIN, None, ReadSpec(100_000, columns=columns)))
    assert [len(row.messages) for row in rows if not isinstance(row, RejectedRow)] == [1, 2]


def test_a_prompt_column_with_a_missing_word_is_refused_with_it() -> None:
    data = b"prompt,completion\nnan,x\nWhat?,nan\n"
    rows = list(walk_rows(lambda _: io.BytesIO(data), ["x.csv"], Split.TRAIN, None, ReadSpec(100_000)))
    assert isinstance(rows[0], RejectedRow)
    assert rows[0].reason == reasons.EMPTY_USER_MESSAGE
    assert "'prompt' is 'nan'" in rows[0].detail
    assert not isinstance(rows[1], RejectedRow)
    assert len(rows[1].messages) == 1


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('a\tb\n5" disk\tx\n6\ty\n7\tz\n', 3),
        ('a\tb\n"begun\tx\n6\ty\n7" long\tz\n8\tw\n', 4),
        ('a\tb\n"two\nlines"\tx\n6\ty\n', 2),
        ('a\tb\n"x""\ty\n"\tz\nv\tw\n', 3),
    ],
)
def test_the_rows_of_a_file_with_tabs_and_odd_quotes_are_counted_as_they_are_read(text: str, rows: int) -> None:
    data = text.encode()
    read = list(walk_rows(lambda _: io.BytesIO(data), ["x.tsv"], Split.TRAIN, None, ReadSpec(100_000, columns=TEMPLATED)))
    assert len(read) == rows
    assert FORMATS["tsv"].count(io.BytesIO(data), lambda _: True) == rows
