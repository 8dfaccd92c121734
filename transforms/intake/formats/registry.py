"""Which format a file has: what the person says, or else what its name says."""

from __future__ import annotations

from transforms.intake.compression import without_compression_suffix
from transforms.intake.formats.avro import Avro
from transforms.intake.formats.base import RowFormat
from transforms.intake.formats.json_list import JsonList
from transforms.intake.formats.jsonl import JsonLines
from transforms.intake.formats.parquet import Parquet
from transforms.intake.formats.separated import SeparatedValues

FORMATS: dict[str, RowFormat] = {
    "jsonl": JsonLines(),
    "json": JsonList(),
    "csv": SeparatedValues(","),
    "tsv": SeparatedValues("\t"),
    "parquet": Parquet(),
    "avro": Avro(),
}
_SUFFIXES = {"ndjson": "jsonl", "tab": "tsv", "pq": "parquet"}


def format_of(path: str, named: str | None) -> RowFormat:
    """The format called ``named``; without a name by the suffix before that of a compression, and JSON lines for suffixes that say nothing."""
    if named is not None:
        return FORMATS[named]
    suffix = without_compression_suffix(path).rpartition(".")[2].lower()
    return FORMATS.get(_SUFFIXES.get(suffix, suffix), FORMATS["jsonl"])


def place_in(path: str, number: object, named: str | None) -> str:
    """Where a record stands, for a person: ``line 7``, or ``record 7`` in files without lines."""
    shown = f"{number:,}" if isinstance(number, int) else str(number)
    return f"{format_of(path, named).numbered_by} {shown}"
