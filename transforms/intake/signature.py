"""The type of a file by its first bytes, to find files with a wrong name."""

from __future__ import annotations

from typing import NamedTuple

from transforms.intake.formats.base import UnusableFile

HEAD_BYTES = 512
"""Bytes of a file's beginning that are checked."""


class FileType(NamedTuple):
    """One type of file: its bytes at ``place``, its name for the user, and what to do with it.

    ``format`` is the name of the input format that reads it, if there is one.
    """

    magic: bytes
    name: str
    advice: str
    format: str | None = None
    place: int = 0


def _named(suffix: str) -> str:
    return f"Name it so that it ends in {suffix}, and it is read"


_UNPACK = "Unpack it, and name the files in it"
_EXPORT = "Export its rows as CSV, JSON lines or Parquet"
_NOT_TEXT = "Name the file that holds the rows"

FILE_TYPES = (
    FileType(b"\x1f\x8b", "compressed with gzip", _named(".gz, such as rows.jsonl.gz")),
    FileType(b"\x28\xb5\x2f\xfd", "compressed with zstd", _named(".zst, such as rows.jsonl.zst")),
    FileType(b"\xfd7zXZ\x00", "compressed with xz", _named(".xz, such as rows.jsonl.xz")),
    FileType(b"BZh", "compressed with bzip2", _named(".bz2, such as rows.jsonl.bz2")),
    FileType(b"\x5d\x00\x00", "compressed with lzma", _named(".lzma, such as rows.jsonl.lzma")),
    FileType(b"\x1f\x9d", "compressed with compress", _UNPACK),
    FileType(b"\x04\x22\x4d\x18", "compressed with lz4", _UNPACK),
    FileType(b"\xff\x06\x00\x00sNaPpY", "compressed with snappy", _UNPACK),
    FileType(b"PK\x03\x04", "a zip archive", _UNPACK),
    FileType(b"PK\x05\x06", "an empty zip archive", _UNPACK),
    FileType(b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    FileType(b"Rar!\x1a\x07", "a rar archive", _UNPACK),
    FileType(b"ustar", "a tar archive", _UNPACK, place=257),
    FileType(b"PAR1", "Parquet", f"{_named('.parquet')}, or give --input_format parquet", "parquet"),
    FileType(b"PARE", "encrypted Parquet", "Decrypt it"),
    FileType(b"Obj\x01", "Avro", f"{_named('.avro')}, or give --input_format avro", "avro"),
    FileType(b"ARROW1", "Arrow", f"{_named('.arrow')}, or give --input_format arrow", "arrow"),
    FileType(b"\xff\xff\xff\xff", "an Arrow stream", f"{_named('.arrow')}, or give --input_format arrow", "arrow"),
    FileType(b"FEA1", "Feather of version 1", "Write it as Parquet, or as Feather of version 2"),
    FileType(b"ORC", "ORC", "Write it as Parquet"),
    FileType(b"SQLite format 3\x00", "a SQLite database", _EXPORT),
    FileType(b"DUCK", "a DuckDB database", _EXPORT, place=8),
    FileType(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Office document", _EXPORT),
    FileType(b"\x89HDF\r\n\x1a\n", "HDF5", _EXPORT),
    FileType(b"\x93NUMPY", "a NumPy array", _EXPORT),
    FileType(b"GGUF", "a model (GGUF)", _NOT_TEXT),
    FileType(b"%PDF-", "a PDF document", _NOT_TEXT),
    FileType(b"{\\rtf", "an RTF document", _NOT_TEXT),
    FileType(b"\x89PNG\r\n\x1a\n", "a PNG picture", _NOT_TEXT),
    FileType(b"\xff\xd8\xff", "a JPEG picture", _NOT_TEXT),
    FileType(b"GIF8", "a GIF picture", _NOT_TEXT),
    FileType(b"\x7fELF", "a program", _NOT_TEXT),
    FileType(b"bplist00", "a property list of macOS", _NOT_TEXT),
    FileType(b"version https://git-lfs.github.com/spec/", "a Git LFS pointer, not the file itself", "Fetch the file with git lfs pull"),
    FileType(b"\xff\xfe\x00\x00", "UTF-32 text", "Save it as UTF-8"),
    FileType(b"\xff\xfe", "UTF-16 text, not UTF-8", "Save it as UTF-8"),
    FileType(b"\xfe\xff", "UTF-16 text, not UTF-8", "Save it as UTF-8"),
)
"""In the order of the search: UTF-32's mark begins like UTF-16's."""
_PICKLE_PROTOCOLS = b"\x02\x03\x04\x05"
_PAGES = (b"<!doctype html", b"<html")


def refuse_other_types(head: bytes, format_name: str) -> None:
    """Raise UnusableFile if a file's first bytes are of another type than ``format_name``."""
    found = file_type_of(head)
    if found is None or found.format == format_name:
        return
    raise UnusableFile(f"the file is {found.name}, as its first bytes say, and is read as {format_name}. {found.advice}")


def file_type_of(head: bytes) -> FileType | None:
    """The type by the first bytes; None for text and unknown types."""
    for found in FILE_TYPES:
        if head.startswith(found.magic, found.place) and (len(found.magic) > 4 or not _is_text(head)):
            return _inside_zip(head, found) if found.magic == b"PK\x03\x04" else found
    if head[:1] == b"\x80" and head[1:2] in _PICKLE_PROTOCOLS and len(head) > 2:
        return FileType(head[:2], "a Python pickle", _EXPORT)
    if head[:16] and not head[:16].strip(b"\x00"):
        return FileType(b"\x00", "NUL bytes at its beginning, as a crash or a full disk leaves them", "Write it again from its source")
    if head.lstrip()[:15].lower().startswith(_PAGES):
        return FileType(b"<", "a web page, perhaps one that asks for a login", "Download the data itself")
    return None


def _is_text(head: bytes) -> bool:
    """Whether letters at the beginning may be text: then no control characters follow."""
    return head.isascii() and not any(byte < 9 for byte in head)


def _inside_zip(head: bytes, found: FileType) -> FileType:
    if any(mark in head for mark in (b"xl/", b"[Content_Types].xml", b"docProps/")):
        return found._replace(name="an Excel or Office document (xlsx)", advice=_EXPORT)
    if any(mark in head for mark in (b"data.pkl", b"archive/")):
        return found._replace(name="saved by PyTorch, or another zip archive", advice=_EXPORT)
    return found
