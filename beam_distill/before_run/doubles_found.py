"""What drop_doubles and drop_leaks would save, where they are off."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

from transforms.elements.counted import counted
from transforms.intake.key_set import KeySet


@dataclass(slots=True)
class AskedRows:
    """The rows of a split that can be sent: the digest of what each asks, and its requests and bytes that are still to be sent."""

    digests: array[int] = field(default_factory=lambda: array("Q"))
    requests: array[int] = field(default_factory=lambda: array("I"))
    payload_bytes: array[int] = field(default_factory=lambda: array("Q"))

    def add(self, digest: int, requests: int, payload_bytes: int) -> None:
        """Add the next row."""
        self.digests.append(digest)
        self.requests.append(requests)
        self.payload_bytes.append(payload_bytes)

    def sum_of(self, places: Iterable[int]) -> Saving:
        """The rows at these places."""
        saving = Saving()
        for place in places:
            saving.rows += 1
            saving.requests += self.requests[place]
            saving.payload_bytes += self.payload_bytes[place]
        return saving


@dataclass(slots=True)
class Saving:
    """Rows that a setting would leave out, and what of them is still to be sent."""

    rows: int = 0
    requests: int = 0
    payload_bytes: int = 0


def saved_by_doubles(asked: AskedRows) -> Saving:
    """The rows of a split that ask what an earlier row asks."""
    seen = KeySet()
    return asked.sum_of(place for place, digest in enumerate(asked.digests) if not seen.add(digest))


def saved_by_leaks(train: AskedRows, validation: AskedRows) -> Saving:
    """The rows of train that ask what a row of validation asks."""
    known = set(validation.digests)
    return train.sum_of(place for place, digest in enumerate(train.digests) if digest in known)


def leaks_text(rows: int) -> str:
    """What so many leaks mean, and what leaves them out."""
    asked = counted(rows, "row to train on asks", "rows to train on ask")
    return f"{asked} what a validation row asks, so the validation measures what was seen; drop_leaks leaves them out"
