"""Times as Azure writes them."""

from __future__ import annotations

import re
from datetime import datetime, timezone

_FRACTION = re.compile(r"\.\d+")


def epoch_s_of(moment: object) -> float:
    """Epoch seconds from a number, its text, or ISO 8601 with any number of decimals (Azure writes seven, Python 3.10 reads six).

    A text without a zone is UTC. Raises ValueError.
    """
    if isinstance(moment, (int, float)):
        return float(moment)
    text = str(moment).strip()
    if text.isdigit():
        return float(text)
    read = datetime.fromisoformat(_FRACTION.sub("", text).replace("Z", "+00:00"))
    return (read if read.tzinfo is not None else read.replace(tzinfo=timezone.utc)).timestamp()
