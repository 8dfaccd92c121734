"""Inputs about files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator

from beam_distill.config.base import Section, setting
from beam_distill.config.data_address import beam_path
from beam_distill.config.fields import Flag, listed_texts, read_name
from transforms.elements.data_specs import ALL_COLUMNS
from transforms.intake.formats.registry import FORMATS
from transforms.students.base import DROP, FIELD, THINK
from transforms.students.registry import STUDENT_FORMATS

if TYPE_CHECKING:
    InputFormatName = str
    StudentFormatName = str
    ReasoningName = str
else:
    InputFormatName, StudentFormatName = Literal[tuple(FORMATS)], Literal[tuple(STUDENT_FORMATS)]
    ReasoningName = Literal[DROP, FIELD, THINK]


def _read_format(value: object) -> object:
    return value.strip().lower().lstrip(".") if isinstance(value, str) else value


def _read_columns(value: object) -> object:
    """Names of columns with commas between them, or as a list; ``all`` for all."""
    value = listed_texts(value)
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ValueError("expected the names of columns with commas between them, or all")
    read = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not read:
        raise ValueError("expected the names of columns with commas between them, or all; leave it out to keep none")
    return (ALL_COLUMNS,) if [name.lower() for name in read] == ["all"] else read


def _read_path(value: object) -> object:
    return beam_path(value) if isinstance(value, str) else value


def _read_student_format(value: object) -> object:
    name = read_name(value)
    if name == "preference":
        raise ValueError(
            "pairs of answers are written next to the dataset: name their file with preference_train_file_path, and leave student_format to the "
            "dataset"
        )
    return name


FilePath = Annotated[str, BeforeValidator(_read_path)]


class DataSettings(Section):
    """Rows in, datasets out."""

    train_file_path: FilePath = setting(
        ...,
        "data",
        "rows to train on: path or glob",
        "JSONL, JSON, CSV, TSV, Parquet, Avro, Arrow or text, also .gz or .zst; any filesystem of Beam.",
        True,
    )
    validation_file_path: FilePath | None = setting(None, "data", "rows to validate on: path or glob", "", True)
    input_format: Annotated[InputFormatName, BeforeValidator(_read_format)] | None = setting(
        None,
        "data",
        ", ".join(FORMATS),
        "Default: by each file's suffix, else JSONL. `text`: one prompt per line. "
        "`csv_literal`, `tsv_literal`: `None`, `NULL` or `NA` in a cell is text.",
    )
    messages_column: str | None = setting(
        None, "data", "column with the chat (messages)", "A list of messages, or the same as JSON text. Default: `messages`."
    )
    label_column: str | None = setting(
        None, "data", "column with the reference answer", "Kept on the ledger with the teacher's answer; never sent.", True
    )
    generated_batch_train_file_path: FilePath = setting(..., "data", "the training dataset to write", "Published whole or not at all.", True)
    generated_batch_validation_file_path: FilePath | None = setting(
        None, "data", "the validation dataset to write", "Without a validation input it becomes an empty file.", True
    )
    student_format: Annotated[StudentFormatName, BeforeValidator(_read_student_format)] = setting(
        "messages",
        "data",
        ", ".join(STUDENT_FORMATS),
        "The shape of a dataset's rows. `merged_system` is for students without a system role.",
        True,
    )
    preference_train_file_path: FilePath | None = setting(
        None,
        "data",
        "pairs of answers to write next to the training dataset",
        "`prompt`, `chosen` and `rejected` as TRL's DPO reads them, from rows with an accepted and a refused sample; written with the "
        "training dataset. Needs several `samples`.",
    )
    preference_validation_file_path: FilePath | None = setting(
        None, "data", "the same next to the validation dataset", "To evaluate the training on pairs."
    )
    output_format: Annotated[Literal["jsonl", "parquet"], BeforeValidator(_read_format)] | None = setting(
        None, "data", "jsonl, parquet", "Default: Parquet for outputs that end in `.parquet`, else JSONL."
    )
    output_shards: int | None = setting(
        None,
        "data",
        "write each dataset in N files",
        "`train-00000-of-00008.jsonl` and so on, in order, the input's rows divided evenly. Default: one file, which one worker puts together "
        "at the end. Too many small files are slow to open for whoever trains.",
        ge=1,
        le=99_999,
    )
    reasoning: Annotated[ReasoningName, BeforeValidator(read_name)] = setting(
        "drop", "data", "the teacher's reasoning: drop, field, think", "A separate field, or a `<think>` block to train on."
    )
    metadata: Flag = setting(
        False,
        "data",
        "a field with how each answer was found",
        "`metadata`: the row's key, the sample's number, how many samples were judged, the share of them that was accepted (how hard the row "
        "is), votes and the checks passed. Services that take only `messages` refuse rows with it, so no job file is written for them.",
    )
    keep_columns: Annotated[tuple[str, ...], BeforeValidator(_read_columns)] | None = setting(
        None,
        "data",
        "columns to keep in the metadata, with commas, or all",
        "The row's own id, source, difficulty and so on, in `metadata`, which is then written. `all` is all but those with the chat. They "
        "travel with the row through the run: large ones take memory for every row that is being asked.",
    )
    work_dir: FilePath | None = setting(
        None,
        "data",
        "ledger, rejects, run.json (default: next to the output)",
        "A rerun with the same work_dir sends only what has no answer.",
        True,
    )
    limit: int | None = setting(None, "data", "only the first N rows of each split", "A pilot; the full run reuses its answers.", True, ge=1)
    ensure_ascii: Flag = setting(False, "data", "escape everything beyond ASCII in the datasets")
