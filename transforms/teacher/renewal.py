"""A refused credential is looked up again, once until the next answer."""

from __future__ import annotations

from collections.abc import Callable


class CredentialRenewal:
    """``renew`` looks up the credential again and returns whether it may have changed."""

    def __init__(self, renew: Callable[[], bool]) -> None:
        self._renew = renew
        self._renewed_at_s: float | None = None
        self.answered_since = True
        """Set it with every answer."""

    def refused(self, sent_s: float, now_s: float) -> bool:
        """Whether the refused request, sent at ``sent_s``, may be sent again with another credential."""
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
