"""Numbered lines."""

import gzip
import io
import tracemalloc

import pytest

from transforms.intake.lines import CHUNK_BYTES, NumberedLine, read_lines


def lines_of(data: bytes, longest: int = 100) -> list[tuple[int, bytes | None, int]]:
    return [(line.number, line.text, line.size) for line in read_lines(io.BytesIO(data), longest)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"", [], id="empty file"),
        pytest.param(b"a\nb\n", [(1, b"a", 1), (2, b"b", 1)], id="LF"),
        pytest.param(b"a\r\nb\r\n", [(1, b"a", 1), (2, b"b", 1)], id="CRLF"),
        pytest.param(b"a\nb", [(1, b"a", 1), (2, b"b", 1)], id="no line end at the end"),
        pytest.param(b"\n  \t\r\na\n\nb\n\n", [(3, b"a", 1), (5, b"b", 1)], id="blank lines are counted and skipped"),
        pytest.param(b"\xef\xbb\xbfa\n", [(1, b"a", 1)], id="byte order mark"),
        pytest.param(b"\xef\xbb\xbf\r\na\n", [(2, b"a", 1)], id="nothing but a byte order mark on line 1"),
        pytest.param(b"a\n\xef\xbb\xbfb\n", [(1, b"a", 1), (2, b"b", 1)], id="a mark on a later line", marks=pytest.mark.fault("A4")),
        pytest.param(b" a \n", [(1, b" a ", 3)], id="space inside a line is kept, so that columns are right"),
        pytest.param(b"\n\n\n", [], id="blank lines only"),
    ],
)
def test_lines(data: bytes, expected: list[tuple[int, bytes | None, int]]) -> None:
    assert lines_of(data) == expected


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""], ids=["LF", "CRLF", "end of file"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("length", [99, 100, 101, 102, 103, 104, 105, 106, 107, 1000])
def test_the_limit_counts_the_text_alone(length: int, mark: bytes, end: bytes) -> None:
    ((number, text, size),) = lines_of(mark + b"x" * length + end)
    assert number == 1
    assert text == (b"x" * length if length <= 100 else None)
    assert size == length if text is not None else length <= size <= length + len(mark + end)


def test_a_long_line_costs_neither_its_neighbours_nor_memory() -> None:
    class Endless(io.RawIOBase):
        """Forty megabytes of one line between two short ones."""

        def __init__(self) -> None:
            self.left = [b"a\n"] + [b"x" * 65536] * 640 + [b"\r\nb\n"]

        def read(self, size: int = -1) -> bytes:
            return self.left.pop(0) if self.left else b""

    source = Endless()
    tracemalloc.start()
    found = list(read_lines(source, 10_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [NumberedLine(1, b"a", 1), NumberedLine(2, None, 640 * 65536), NumberedLine(3, b"b", 1)]
    assert peak < 4 * CHUNK_BYTES + 1_000_000


def test_compressed_files_as_beam_opens_them() -> None:
    class NoSizedReadline:
        """Like Beam's CompressedFile: ``read`` takes a size, ``readline`` does not."""

        def __init__(self, data: bytes) -> None:
            self._file = gzip.GzipFile(fileobj=io.BytesIO(data))

        def read(self, size: int) -> bytes:
            return self._file.read(size)

        def readline(self) -> bytes:
            raise AssertionError("not asked for")

    assert [line.text for line in read_lines(NoSizedReadline(gzip.compress(b"a\nb\n")), 100)] == [b"a", b"b"]


def test_the_source_stays_open() -> None:
    source = io.BytesIO(b"a\n")
    assert len(list(read_lines(source, 10))) == 1
    assert not source.closed


def test_marks_at_the_beginning_of_a_line_are_not_part_of_it() -> None:
    """Byte order marks of joined files, and what separates JSON text sequences (RFC 7464)."""
    source = io.BytesIO(b"\xef\xbb\xbf\xef\xbb\xbfa\n\x1eb\n\xef\xbb\xbf\n")
    assert [(line.number, line.text, line.size) for line in read_lines(source, 100)] == [(1, b"a", 1), (2, b"b", 1)]
