"""How many rows there will be, as several processes found out before they read them."""

from __future__ import annotations

from contextlib import suppress

from transforms.files.stored import read_json


class SurveyedTotals:
    """The rows of every split as the survey wrote them to ``path``; none while it goes on."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._totals: dict[str, int] = {}

    def known(self) -> dict[str, int]:
        """The splits that are counted, so far."""
        if not self._totals:
            with suppress(Exception):  # not there yet; and every filesystem has errors of its own, which the job reports where they matter
                self._totals = read_json(self._path)
        return self._totals

    def close(self) -> None:
        """Nothing goes on."""
