"""The shapes, in the order in which they are tried: adding one is a file and a line here."""

from __future__ import annotations

from collections.abc import Collection

from transforms.intake.shapes.alpaca import Alpaca
from transforms.intake.shapes.base import RowShape
from transforms.intake.shapes.batch_request import BatchRequest
from transforms.intake.shapes.gemini import Gemini
from transforms.intake.shapes.prompt_completion import PromptCompletion
from transforms.intake.shapes.sharegpt import ShareGpt

SHAPES: tuple[RowShape, ...] = (ShareGpt(), BatchRequest(), PromptCompletion(), Alpaca(), Gemini())
LOOKED_AT = frozenset[str]().union(*(shape.columns for shape in SHAPES))


def shape_of(names: Collection[str]) -> RowShape | None:
    """The shape of a record with these columns; None if it is not certain."""
    return next((shape for shape in SHAPES if shape.fits(names)), None)
