"""Opens a stored file for its format: unpacks it and checks that it is of the type that its name says."""

from __future__ import annotations

from typing import Any, Protocol

from transforms.intake.compression import unpacked
from transforms.intake.formats.base import RowFormat
from transforms.intake.formats.registry import format_name, format_of
from transforms.intake.lines import ByteSource, PushedBack
from transforms.intake.signature import HEAD_BYTES, refuse_other_types


class OpenFile(ByteSource, Protocol):
    """An open file to be read once and closed; as it is stored, not unpacked."""

    def close(self) -> None:
        """Lets go of the file."""
        ...


def open_rows(path: str, stored: Any, named: str | None) -> tuple[RowFormat, ByteSource]:
    """The format of a file, and the file from its beginning. Raises UnusableFile if its first bytes are of another type."""
    kept_as = format_of(path, named)
    source = unpacked(path, stored)
    head = source.read(HEAD_BYTES)
    refuse_other_types(head, format_name(path, named))
    if source is stored and hasattr(stored, "seek"):
        stored.seek(0)  # Parquet is read from its end
        return kept_as, source
    return kept_as, PushedBack(head, source)
