"""Secrets in extra_body itself: moved to variables of this process, so that neither the ledger nor the graph contains them."""

from __future__ import annotations

import re
from typing import Any

from beam_distill.config.secrets import secrets_replaced
from beam_distill.job.secret_variables import keep_in_variables

_PREFIX = "DISTILL_EXTRA_BODY_"


def by_reference(extra_body: dict[str, Any]) -> dict[str, Any]:
    """The same fields with ``${NAME}`` for every secret; its value is in the environment of this process and its children."""

    taken: set[str] = set()

    def kept(path: tuple[str, ...], secret: str) -> str:
        if "\0" in secret:
            return secret  # not a key, and not valid in a variable
        variable = _variable(path)
        while variable in taken:
            variable += "_"
        taken.add(variable)
        keep_in_variables({variable: secret})
        return f"${{{variable}}}"

    found: dict[str, Any] = secrets_replaced(extra_body, kept)
    return found


def _variable(path: tuple[str, ...]) -> str:
    return _PREFIX + re.sub(r"\W+", "_", "_".join(path), flags=re.ASCII).upper()
