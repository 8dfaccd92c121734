"""What a reader has read of one segment, and how much of that from its index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from transforms.ledger.index_file import Words, read_entries
from transforms.ledger.index_maker import ENTRY_BYTES
from transforms.ledger.segment_reader import Damage
from transforms.ledger.storage import StoredSegment

AT_ONCE_BYTES = 1_024 * ENTRY_BYTES
"""Checking entries takes some 100 bytes for each."""


@dataclass(slots=True)
class KnownSegment:
    """A segment, and what was read of it.

    ``index_bytes`` of its index were read (None: it is not believed), which say what is there up to the offset ``indexed``; all is known up to
    ``covered``. ``kept`` counts records, ``made_again`` those that were read without the index; ``foreign`` says why it is not a segment.
    """

    stored: StoredSegment
    index_bytes: int | None = 0
    indexed: int = 0
    covered: int = 0
    header_bytes: int = 0
    kept: int = 0
    made_again: int = 0
    damage: Damage = field(default_factory=Damage)
    foreign: str | None = None

    def take_entries(self, content: Iterable[bytes]) -> Iterator[tuple[Words, Words]]:
        """Keys and offsets of what the next bytes of the index say and was not known, as far as they can be believed.

        Each piece but the last has whole entries.
        """
        for piece in (some[at : at + AT_ONCE_BYTES] for some in content for at in range(0, len(some), AT_ONCE_BYTES)):
            entries = read_entries(piece, self.stored.name, self.stored.size, self.indexed if self.index_bytes else None)
            if not len(entries.keys):
                return
            # what was read of the segment before its index had it
            known = int(entries.ends.searchsorted(np.uint64(self.covered), "right"))
            yield entries.keys[known:], entries.begins[known:]
            self.kept += len(entries.keys) - known
            self.indexed = int(entries.ends[-1])
            self.covered = max(self.covered, self.indexed)
            taken = ENTRY_BYTES * (len(entries.keys) + (not self.index_bytes))
            self.index_bytes = (self.index_bytes or 0) + taken
            if taken < len(piece):
                return
