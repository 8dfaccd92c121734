"""The files that a run reads and writes."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.elements.rows import Split


@dataclass(frozen=True, slots=True)
class SplitFiles:
    """One split: the input pattern and where its dataset goes.

    ``pattern`` is a path or glob on any filesystem that Beam supports, None for a split without input (its dataset is an empty file).
    ``output`` is the dataset's path, None if it is not wanted; ``shards`` is how many files it is
    written in, None for one of that path. ``preference`` is the path of its pairs of answers, written in the same way.
    """

    split: Split
    pattern: str | None
    output: str | None
    shards: int | None = None
    preference: str | None = None

    @property
    def outputs(self) -> tuple[str, ...]:
        """The paths of all that is written of the split."""
        return tuple(path for path in (self.output, self.preference) if path is not None)

    def shards_of(self, rows: int) -> int:
        """The number of files that the dataset of ``rows`` input rows becomes, at most ``rows``. They are divided evenly among the files."""
        return max(1, min(self.shards or 1, rows))


ALL_COLUMNS = "*"


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """Which columns of a record make a row.

    ``messages``: the column with the chat, as a list or as JSON text. With ``user_template`` the chat is made from the columns instead:
    Jinja2 templates of its user message and, if given, its system message. ``label``: the column with the reference answer, if any.
    ``others``: the columns that a row keeps beside its chat; ALL_COLUMNS means all except those with the chat.
    """

    messages: str = "messages"
    user_template: str | None = None
    system_template: str | None = None
    label: str | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DoublesSpec:
    """Which rows are left out before anything is sent.

    ``drop`` is ``off``, ``exact`` or ``near``: rows that ask what an earlier row of their split asks. ``leaks``: rows of train that are, or
    nearly are, rows of validation. ``against``: pattern of files whose rows must not be among the rows, made with ``against_columns``.
    ``similarity`` is the least estimated Jaccard similarity of near doubles, 0 to 1. ``several_turns``: old answers are not sent.
    """

    drop: str = "off"
    similarity: float = 0.8
    leaks: bool = False
    against: str | None = None
    against_columns: ColumnSpec = ColumnSpec()
    several_turns: bool = False

    @property
    def is_on(self) -> bool:
        """Whether any row may be left out."""
        return self.drop != "off" or self.leaks or self.against is not None

    @property
    def compares_words(self) -> bool:
        """Whether similar rows are looked for, not only equal ones."""
        return self.drop == "near" or self.leaks or self.against is not None


@dataclass(frozen=True, slots=True)
class InputSpec:
    """How the input is read. ``limit`` keeps the first rows of each split; ``max_row_bytes`` is the longest line that becomes a row.

    ``readers`` is how many processes read in parallel. ``format`` is a name in ``intake.formats.registry``, None to use each file's suffix.
    """

    splits: tuple[SplitFiles, ...]
    limit: int | None = None
    max_row_bytes: int = 8 * 1024 * 1024
    readers: int = 1
    format: str | None = None
    columns: ColumnSpec = ColumnSpec()
    doubles: DoublesSpec = DoublesSpec()

    def files_of(self, split: Split) -> SplitFiles:
        """The files of a split. Raises ValueError if the job does not have it."""
        (files,) = (files for files in self.splits if files.split is split)
        return files

    def pattern_of(self, split: Split) -> str | None:
        """The input pattern of a split; None if it has no input."""
        return next((files.pattern for files in self.splits if files.split is split), None)


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The files of a run other than its datasets, all in the work_dir."""

    ledger_dir: str
    failures_dir: str
    staging_dir: str
    rejects_path: str
    verdict_path: str
    conclusion_path: str
    control_dir: str
    row_totals_path: str


@dataclass(frozen=True, slots=True)
class MetadataSpec:
    """What an example's metadata holds besides how it was found: the ``checks`` that every example passed, and the row's own ``columns`` (names,
    or ALL_COLUMNS). ``scored``: those of the checks that give a score."""

    checks: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    scored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """How a dataset is written. ``ensure_ascii`` escapes everything beyond ASCII.

    ``student_format`` is a name in ``students.registry``; ``reasoning`` is drop, field or think (``students.base``). ``file_format`` is jsonl or
    parquet, None to use the suffix of the output. ``metadata``: what else is known of an example; None if it is not written. ``logprobs``:
    whether the log probabilities of its answers are.
    """

    ensure_ascii: bool = False
    student_format: str = "messages"
    reasoning: str = "drop"
    file_format: str | None = None
    metadata: MetadataSpec | None = None
    logprobs: bool = False

    def is_parquet(self, output: str) -> bool:
        """Whether this output becomes a Parquet file."""
        return self.file_format == "parquet" if self.file_format is not None else output.lower().endswith((".parquet", ".pq"))
