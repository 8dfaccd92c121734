"""A credential that the endpoint refuses is looked up again, once until the next answer."""

from __future__ import annotations

from collections.abc import Callable


class CredentialRenewal:
    """``renew`` looks for another credential and says whether there may be one."""

    def __init__(self, renew: Callable[[], bool]) -> None:
        self._renew = renew
        self._renewed_at_s: float | None = None
        self.answered_since = True
        """To be set with every answer."""

    def refused(self, sent_s: float, now_s: float) -> bool:
        """Whether the request that was sent at ``sent_s`` and refused may go again with another credential."""
        if self._renewed_at_s is not None:
            if sent_s < self._renewed_at_s:
                return True  # sent with the old one
            if not self.answered_since:
                return False
        if not self._renew():
            return False
        self._renewed_at_s = now_s
        self.answered_since = False
        return True
