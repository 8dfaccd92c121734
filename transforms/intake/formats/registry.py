"""The format of a file: from the settings, or else from its name."""

from __future__ import annotations

from transforms.intake.compression import without_compression_suffix
from transforms.intake.formats.arrow import ArrowBatches
from transforms.intake.formats.avro import Avro
from transforms.intake.formats.base import RowFormat
from transforms.intake.formats.json_list import JsonLinesOrList, JsonList
from transforms.intake.formats.parquet import Parquet
from transforms.intake.formats.separated import SeparatedValues
from transforms.intake.formats.text import TextLines

FORMATS: dict[str, RowFormat] = {
    "jsonl": JsonLinesOrList(),
    "json": JsonList(),
    "csv": SeparatedValues(","),
    "tsv": SeparatedValues("\t"),
    "csv_literal": SeparatedValues(",", verbatim=True),
    "tsv_literal": SeparatedValues("\t", verbatim=True),
    "parquet": Parquet(),
    "avro": Avro(),
    "arrow": ArrowBatches(),
    "text": TextLines(),
}
_SUFFIXES = {"ndjson": "jsonl", "tab": "tsv", "pq": "parquet", "feather": "arrow", "ipc": "arrow", "txt": "text"}
_TEXT_BY_SUFFIX = TextLines(may_be_json=True)


def format_name(path: str, named: str | None) -> str:
    """The name of a file's format: ``named``, else by its suffix (without a compression's), else JSON lines."""
    if named is not None:
        return named
    suffix = without_compression_suffix(path).rpartition(".")[2].lower()
    suffix = _SUFFIXES.get(suffix, suffix)
    return suffix if suffix in FORMATS else "jsonl"


def format_of(path: str, named: str | None) -> RowFormat:
    """The format of a file, by ``format_name``."""
    name = format_name(path, named)
    return _TEXT_BY_SUFFIX if name == "text" and named is None else FORMATS[name]


def place_in(path: str, number: object, named: str | None) -> str:
    """Where a record is, for messages: ``line 7``, or ``record 7`` in files without lines."""
    shown = f"{number:,}" if isinstance(number, int) else str(number)
    return f"{format_of(path, named).numbered_by} {shown}"
