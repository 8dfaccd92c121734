"""Hugging Face's datasets stores a ClassLabel as a number, and the names of the classes once, in the schema of the file.

The schema's metadata has the key ``huggingface``, a JSON text: ``{"info": {"features": {"label": {"names": [...], "_type": "ClassLabel"}}}}``.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from transforms.intake.template_growth import nested_deeper

NO_CLASS = -1
"""What datasets writes for a row without a label, as in the test splits of GLUE."""
_KEY = b"huggingface"


class ClassNumber(int):
    """The number of a class, which a template sees, and its ``name``, which is the label; None for a row without one."""

    name: str | None

    def __new__(cls, number: int, name: str | None) -> ClassNumber:
        """A number with its name."""
        made = super().__new__(cls, number)
        made.name = name
        return made


Classes = dict[int, ClassNumber]


def classes_in(schema: Any) -> dict[str, Classes]:
    """The classes by number of each column that has some, also of columns with lists of them."""
    stored = (schema.metadata or {}).get(_KEY)
    return _classes_by_column(stored) if stored is not None else {}


@lru_cache(maxsize=16)
def _classes_by_column(stored: bytes) -> dict[str, Classes]:
    try:
        features = json.loads(stored)["info"]["features"].items()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}  # not as datasets writes it
    found = ((name, _names(feature)) for name, feature in features)
    return {
        name: {NO_CLASS: ClassNumber(NO_CLASS, None), **{number: ClassNumber(number, text) for number, text in enumerate(names)}}
        for name, names in found
        if names
    }


def _names(feature: Any) -> list[str]:
    """The names of the classes of a feature; none if it is neither a ClassLabel nor a list of them, in either spelling."""
    while isinstance(feature, list) or (isinstance(feature, dict) and "feature" in feature):
        feature = feature["feature"] if isinstance(feature, dict) else next(iter(feature), None)
    names = feature.get("names") if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" else None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else []


def with_classes(value: Any, classes: Classes) -> Any:
    """The value with its numbers as ``ClassNumber``; others stay as they are."""
    if isinstance(value, list):
        return [with_classes(item, classes) for item in value]
    return classes.get(value, value) if type(value) is int else value


def class_names(value: Any) -> Any:
    """The value with names in place of the numbers of classes."""
    if isinstance(value, ClassNumber):
        return value.name
    if isinstance(value, list) and not nested_deeper(value):
        return [class_names(item) for item in value]
    return value
