"""Why Azure gave no token, key or description."""

from __future__ import annotations


class AzureProblem(Exception):
    """A question to Azure that was not answered; the text says what to do.

    ``passing`` says whether asking again later may help (throttled, 5xx, no connection). ``status`` is the HTTP status, None when no
    response came. ``retry_after_s`` is the wait that was asked for, None when none was.
    """

    def __init__(self, message: str, *, passing: bool, status: int | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.passing = passing
        self.status = status
        self.retry_after_s = retry_after_s
