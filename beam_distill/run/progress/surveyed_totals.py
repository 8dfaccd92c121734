"""The number of rows, counted by several processes before they are read."""

from __future__ import annotations

from contextlib import suppress

from transforms.files.stored import read_json


class SurveyedTotals:
    """The rows of every split from the survey's file ``path``; empty while the survey runs."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._totals: dict[str, int] = {}

    def known(self) -> dict[str, int]:
        """The rows of the splits counted so far."""
        if not self._totals:
            with suppress(Exception):  # it does not exist yet; filesystems raise different errors, and the job reports them where they matter
                self._totals = read_json(self._path)
        return self._totals

    def close(self) -> None:
        """There is nothing to stop."""
