"""How files become rows, the same for every file of a run."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.elements.data_specs import ColumnSpec, InputSpec


@dataclass(frozen=True, slots=True)
class ReadSpec:
    """How files become rows: ``format`` is a name in ``formats.registry``, or None to use each file's suffix; records longer than
    ``max_row_bytes`` become rejects."""

    max_row_bytes: int
    format: str | None = None
    columns: ColumnSpec = ColumnSpec()

    @classmethod
    def of(cls, spec: InputSpec) -> ReadSpec:
        """The part of a run's input that is the same for every file."""
        return cls(spec.max_row_bytes, spec.format, spec.columns)
