"""Lists that a file stores as text: as JSON, or as Python or NumPy prints them into a CSV file."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from itertools import pairwise
from typing import Any

from transforms.intake.formats.json_value import json_value
from transforms.intake.template_growth import nested_deeper
from transforms.intake.unusable import UnusableRecord

_LONGEST_PRINTED = 200_000
"""Characters of a list in Python's spelling; its parser takes some hundred bytes of memory for each."""


def list_in(text: str) -> list[Any] | None:
    """The items of a text that as a whole is a list; None for every other text."""
    text = text.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        value = json_value(text.encode("utf-8", "surrogatepass"))
    except UnusableRecord:
        value = _printed(text) if len(text) <= _LONGEST_PRINTED else None
    return value if isinstance(value, list) and not nested_deeper(value) else None


def _printed(text: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that Python does not know
            tokens = [token for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type != tokenize.NL]
            if any(one.type == other.type == tokenize.STRING for one, other in pairwise(tokens)):
                return _without_commas(tokens)
            tree = ast.parse(text, mode="eval")
            if any(isinstance(node, (ast.Set, ast.Call)) for node in ast.walk(tree)):
                return None  # a set has another order in each process
            return ast.literal_eval(tree)
    except (tokenize.TokenError, SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None


def _without_commas(tokens: list[tokenize.TokenInfo]) -> list[Any] | None:
    """The texts of a NumPy array. Python would take two texts beside each other for one."""
    first, *texts, last = [token for token in tokens if token.type not in (tokenize.NEWLINE, tokenize.ENDMARKER)]
    if (first.string, last.string) != ("[", "]") or any(token.type != tokenize.STRING for token in texts):
        return None
    return [ast.literal_eval(token.string) for token in texts]
