"""Words that stand for a missing value: pandas, datasets, R and databases write them where a cell has none."""

from __future__ import annotations

from typing import Any

NEVER_TEXT = frozenset({"nan", "NaN", "-nan", "-NaN", "<NA>", "NaT"})
"""What ``str`` gives for the missing values of numpy and pandas: nobody writes these as a text."""
IN_CELLS = NEVER_TEXT | frozenset(
    {"None", "NULL", "null", "NA", "N/A", "n/a", "#N/A", "#NA", "#N/A N/A", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN", r"\N"}
)
"""What ``read_csv`` of pandas, and so ``load_dataset`` of datasets, reads as missing; and the mark of MySQL and PostgreSQL."""
LONGEST = max(map(len, IN_CELLS))


class FieldsWithGaps(dict[str, Any]):
    """The fields of a row in which cells hold only such a word: these fields are None; ``words`` has the words by column."""

    words: dict[str, str]

    def remark(self, columns: frozenset[str] | None) -> str:
        """What a reject of the row adds about the columns in use (None: all)."""
        found = [f"{name!r} is {word!r}" for name, word in self.words.items() if columns is None or name in columns]
        if not found:
            return ""
        return (
            f" (the cell of {', '.join(found[:5])}, which counts as empty, as in pandas; if the word is meant, set input_format to "
            "csv_literal or tsv_literal)"
        )


def without_missing_words(fields: dict[str, str | None]) -> dict[str, Any]:
    """A row's fields, those with only such a word as None."""
    words = {name: value for name, value in fields.items() if value is not None and len(value) <= LONGEST and value.strip() in IN_CELLS}
    if not words:
        return fields
    with_gaps = FieldsWithGaps(fields, **dict.fromkeys(words))
    with_gaps.words = {name: word.strip() for name, word in words.items()}
    return with_gaps
