"""``${NAME}`` in a text: the environment variable NAME of the process that uses the text. So only a secret's name is passed on."""

from __future__ import annotations

import re
from collections.abc import Callable

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def variables_in(text: str) -> list[str]:
    """The variables that a text names, in order."""
    return _REFERENCE.findall(text)


def with_variables(text: str, look_up: Callable[[str], str]) -> str:
    """The text with every reference replaced by ``look_up(name)``."""
    return _REFERENCE.sub(lambda found: look_up(found[1]), text)
