"""The one text or number in a label column's value."""

from __future__ import annotations

from typing import Any

from transforms.intake.formats.class_numbers import class_names

_ANSWER_FIELDS = ("text", "value")
"""Of a reference answer that is an object: SQuAD's, with a list of alternatives, and TriviaQA's."""
_MOST_EXACT = 2**53
_NO_LABEL = "-"
"""SNLI's label of pairs that its annotators did not agree on."""


def label_in(value: Any) -> Any:
    """A class by its name, the first answer of SQuAD's and TriviaQA's objects, the item of a list of one, and a whole number without .0.

    None for an empty list of answers and for a dash. Other objects and lists stay as they are: nothing says which part is the label.
    """
    value = class_names(value)
    if isinstance(value, dict):
        name = next((name for name in _ANSWER_FIELDS if isinstance(value.get(name), (str, list))), None)
        if name is not None:
            value = value[name][:1] if isinstance(value[name], list) else value[name]
    if isinstance(value, list) and len(value) <= 1:
        value = value[0] if value else None
    if isinstance(value, float) and value.is_integer() and abs(value) < _MOST_EXACT:
        return int(value)  # pandas makes whole numbers with a gap among them 1.0
    return None if isinstance(value, str) and value.strip() == _NO_LABEL else value
