"""Why Azure gave no token, key or description."""

from __future__ import annotations


class AzureProblem(Exception):
    """A failed request to Azure; the text says what to do.

    ``passing``: whether a later retry may help (throttled, 5xx, no connection). ``status`` is the HTTP status, None when no
    response came. ``retry_after_s`` is the requested wait, or None.
    """

    def __init__(self, message: str, *, passing: bool, status: int | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.passing = passing
        self.status = status
        self.retry_after_s = retry_after_s
