"""What the rows of a file look like: examples in the student's format, or pairs of an accepted and a refused answer."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from transforms.elements.data_specs import DatasetSpec
from transforms.elements.rows import DistilledExample, PreferencePair
from transforms.students.base import FIELD, turns_of
from transforms.students.merged_system import without_system
from transforms.students.metadata import METADATA, metadata_of, metadata_of_pair, metadata_type
from transforms.students.preference import preference_row, preference_schema
from transforms.students.registry import STUDENT_FORMATS

LOGPROBS = "logprobs"
Item = TypeVar("Item", contravariant=True)


class Layout(Protocol[Item]):
    """The rows of one file."""

    def row(self, item: Item) -> dict[str, Any]:
        """A row as JSON values."""
        ...

    def parquet_schema(self) -> Any:
        """The pyarrow schema of such rows."""
        ...


class ExampleLayout:
    """Examples in the student's format."""

    def __init__(self, dataset: DatasetSpec) -> None:
        self._dataset = dataset
        self._student = STUDENT_FORMATS[dataset.student_format]

    def row(self, item: DistilledExample) -> dict[str, Any]:
        """A row as JSON values."""
        row = self._student.row(turns_of(item, self._dataset.reasoning))
        if self._dataset.logprobs:
            row[LOGPROBS] = [None if tokens is None else tokens._asdict() for tokens in item.logprobs]
        if self._dataset.metadata is not None:
            row[METADATA] = metadata_of(item, self._dataset.metadata)
        return row

    def parquet_schema(self) -> Any:
        """The pyarrow schema of such rows."""
        # late: keeps PyArrow out of the start
        import pyarrow

        schema = self._student.parquet_schema(self._dataset.reasoning == FIELD)
        if self._dataset.logprobs:
            text, number = pyarrow.list_(pyarrow.string()), pyarrow.list_(pyarrow.float64())
            fields = [("tokens", text), ("logprobs", number), ("top_tokens", pyarrow.list_(text)), ("top_logprobs", pyarrow.list_(number))]
            schema = schema.append(pyarrow.field(LOGPROBS, pyarrow.list_(pyarrow.struct(fields))))
        return _with_metadata(schema, self._dataset, of_pairs=False)


class PairLayout:
    """Pairs, whatever the student's format; for a student without a system role the prompt has none."""

    def __init__(self, dataset: DatasetSpec) -> None:
        self._dataset = dataset
        self._merges = not STUDENT_FORMATS[dataset.student_format].has_system_role

    def row(self, item: PreferencePair) -> dict[str, Any]:
        """A row as JSON values."""
        chats = [turns_of(one, self._dataset.reasoning) for one in (item.chosen, item.rejected)]
        row = preference_row(*(map(without_system, chats) if self._merges else chats))
        if self._dataset.metadata is not None:
            row[METADATA] = metadata_of_pair(item, self._dataset.metadata)
        return row

    def parquet_schema(self) -> Any:
        """The pyarrow schema of such rows."""
        return _with_metadata(preference_schema(self._dataset.reasoning == FIELD), self._dataset, of_pairs=True)


def layout_of(dataset: DatasetSpec, holds_pairs: bool) -> Layout[Any]:
    """The layout of a file of pairs, or of examples."""
    return PairLayout(dataset) if holds_pairs else ExampleLayout(dataset)


def _with_metadata(schema: Any, dataset: DatasetSpec, of_pairs: bool) -> Any:
    # late: keeps PyArrow out of the start
    import pyarrow

    return schema if dataset.metadata is None else schema.append(pyarrow.field(METADATA, metadata_type(dataset.metadata, of_pairs)))
