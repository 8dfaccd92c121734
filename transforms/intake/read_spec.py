"""How files become rows, the same for every file of a run."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.elements.data_specs import ColumnSpec, DoublesSpec, InputSpec
from transforms.elements.rows import Split


@dataclass(frozen=True, slots=True)
class ReadSpec:
    """How files become rows: ``format`` is a name in ``formats.registry``, or None to use each file's suffix; records longer than
    ``max_row_bytes`` become rejects. ``doubles`` says which rows are left out; ``train``, ``validation`` and ``limit`` are the run's
    input, for what is decided by other rows."""

    max_row_bytes: int
    format: str | None = None
    columns: ColumnSpec = ColumnSpec()
    doubles: DoublesSpec = DoublesSpec()
    train: str | None = None
    validation: str | None = None
    limit: int | None = None

    @classmethod
    def of(cls, spec: InputSpec) -> ReadSpec:
        """The part of a run's input that is the same for every file."""
        train, validation = spec.pattern_of(Split.TRAIN), spec.pattern_of(Split.VALIDATION)
        return cls(spec.max_row_bytes, spec.format, spec.columns, spec.doubles, train, validation, spec.limit)
