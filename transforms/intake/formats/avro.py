"""Avro container files: records under a schema that the file brings along, read block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from transforms.elements import reasons
from transforms.intake.formats.base import Record, UnusableFile
from transforms.intake.lines import ByteSource
from transforms.intake.refusal import OBJECT, UnusableRecord, named


class Avro:
    """A record for every record. A damaged block ends the file."""

    names_columns: ClassVar[bool] = True
    numbered_by: ClassVar[str] = "record"

    def records(self, source: ByteSource, max_row_bytes: int, columns: frozenset[str] | None) -> Iterator[Record]:
        """The records; a number is a place in the file."""
        reader = _open(source)
        number = 0
        while True:
            try:
                fields = next(reader)
            except StopIteration:
                return
            except Exception as error:  # noqa: BLE001 - fastavro raises whatever the damaged bytes lead it to
                if isinstance(error, OSError) and error.errno:
                    raise  # the disk or the network, not the file
                raise UnusableFile(f"the Avro file breaks off or is damaged behind record {number} ({_said(error)})") from None
            number += 1
            if isinstance(fields, dict):
                yield number, fields
            else:
                yield number, UnusableRecord(reasons.NOT_AN_OBJECT, f"the record is {named(fields)}; {OBJECT}")

    def count(self, source: ByteSource, go_on: Callable[[int], bool]) -> int:
        """The sum of what the blocks say they hold; nothing is decoded."""
        import fastavro

        number = 0
        try:
            for block in fastavro.block_reader(source):
                number += block.num_records
                if not go_on(number):
                    break
        except Exception as error:  # noqa: BLE001 - fastavro raises whatever the damaged bytes lead it to
            if isinstance(error, OSError) and error.errno:
                raise
            return number + 1  # the rest of the file is one reject
        return number

    def columns(self, source: ByteSource, max_row_bytes: int) -> list[str] | None:
        """The fields that the file's schema names."""
        schema = _open(source).writer_schema
        fields = schema.get("fields", []) if isinstance(schema, dict) else []
        return [str(field["name"]) for field in fields]


def _open(source: Any) -> Any:
    import fastavro  # only people with an Avro file wait for it

    try:
        return fastavro.reader(source)
    except Exception as error:  # noqa: BLE001 - fastavro raises whatever the bytes lead it to
        if isinstance(error, OSError) and error.errno:
            raise
        raise UnusableFile(f"this is no Avro file ({_said(error)})") from None


def _said(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
