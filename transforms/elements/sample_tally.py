"""How right the teacher was: what the checks said of each row's samples, and their sum over a split."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

REFUSED_TO_READ = 20
"""Refused samples of a split that the report shows."""
ACCEPTED_TO_READ = 12
"""Accepted samples of a split from which the report takes its examples."""
LONGEST_DETAIL = 500


class RefusedSample(NamedTuple):
    """A sample that was not accepted: the row, its number, the turn that was refused, the reason and what was found."""

    row_key: str
    sample: int
    turn: int
    reason: str
    detail: str


class RowSamples(NamedTuple):
    """The samples of one row that were answered to their end.

    ``refused`` has the reason of each that was not accepted. ``agrees``: whether the kept answer equals the row's label; None without a
    label or without a kept answer. ``first_refused`` and ``first_kept`` (row and number) are to be read, if there are any.
    ``votes``: those of the kept answer, None without a vote.
    """

    samples: int
    refused: tuple[str, ...]
    agrees: bool | None
    first_refused: RefusedSample | None = None
    first_kept: tuple[str, int] | None = None
    votes: int | None = None


@dataclass(slots=True)
class SampleTally:
    """Mergeable counts of one split. ``pass_tenths`` counts rows by the share of their samples that was accepted, in tenths rounded down,
    ``votes`` by the votes of their kept answer.

    ``refused_to_read`` and ``accepted_to_read`` are those of the rows with the first keys: keys are digests, so this is a sample, and in every
    run and on every runner the same one.
    """

    rows: int = 0
    samples: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    pass_tenths: dict[int, int] = field(default_factory=dict)
    labelled: int = 0
    agreeing: int = 0
    refused_to_read: list[RefusedSample] = field(default_factory=list)
    accepted_to_read: list[tuple[str, int]] = field(default_factory=list)
    votes: dict[int, int] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        """Accepted samples, whether they were kept or not."""
        return self.samples - sum(self.refused.values())

    def add(self, row: RowSamples) -> None:
        """Count one row; one without samples does not count."""
        if not row.samples:
            return
        self.rows += 1
        self.samples += row.samples
        for reason in row.refused:
            self.refused[reason] = self.refused.get(reason, 0) + 1
        tenth = 10 * (row.samples - len(row.refused)) // row.samples
        self.pass_tenths[tenth] = self.pass_tenths.get(tenth, 0) + 1
        if row.agrees is not None:
            self.labelled += 1
            self.agreeing += row.agrees
        if row.votes is not None:
            self.votes[row.votes] = self.votes.get(row.votes, 0) + 1
        if row.first_refused is not None:
            _keep_first(self.refused_to_read, (row.first_refused,), REFUSED_TO_READ)
        if row.first_kept is not None:
            _keep_first(self.accepted_to_read, (row.first_kept,), ACCEPTED_TO_READ)

    def merge(self, other: SampleTally) -> None:
        """Add the counts of another part of the same split."""
        self.rows += other.rows
        self.samples += other.samples
        self.labelled += other.labelled
        self.agreeing += other.agreeing
        for reason, count in other.refused.items():
            self.refused[reason] = self.refused.get(reason, 0) + count
        for votes, count in other.votes.items():
            self.votes[votes] = self.votes.get(votes, 0) + count
        for tenth, count in other.pass_tenths.items():
            self.pass_tenths[tenth] = self.pass_tenths.get(tenth, 0) + count
        _keep_first(self.refused_to_read, other.refused_to_read, REFUSED_TO_READ)
        _keep_first(self.accepted_to_read, other.accepted_to_read, ACCEPTED_TO_READ)

    def fields(self) -> dict[str, Any]:
        """As JSON fields."""
        return {
            "rows": self.rows,
            "samples": self.samples,
            "accepted": self.accepted,
            "refused_by_reason": dict(sorted(self.refused.items())),
            "rows_by_tenths_accepted": {str(tenth): count for tenth, count in sorted(self.pass_tenths.items())},
            "examples_with_label": self.labelled,
            "examples_that_agree": self.agreeing,
            "rows_by_votes": {str(votes): count for votes, count in sorted(self.votes.items())},
            "refused_to_read": [one._asdict() for one in self.refused_to_read],
            "accepted_to_read": [list(one) for one in self.accepted_to_read],
        }

    @classmethod
    def of_fields(cls, fields: Mapping[str, Any]) -> SampleTally:
        """The inverse of ``fields``."""
        tenths = {int(tenth): count for tenth, count in fields["rows_by_tenths_accepted"].items()}
        return cls(
            fields["rows"],
            fields["samples"],
            dict(fields["refused_by_reason"]),
            tenths,
            fields["examples_with_label"],
            fields["examples_that_agree"],
            [RefusedSample(**one) for one in fields.get("refused_to_read", ())],
            [(row_key, sample) for row_key, sample in fields.get("accepted_to_read", ())],
            {int(votes): count for votes, count in fields.get("rows_by_votes", {}).items()},
        )


def _keep_first(kept: list[Any], more: Iterable[Any], most: int) -> None:
    """Add to a sorted list of at most ``most``."""
    for one in more:
        if len(kept) < most or one < kept[-1]:
            insort(kept, one)
            del kept[most:]


def interval(successes: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), which is sensible for few and for extreme counts. ``total`` is not 0."""
    z = 1.959964
    share, spread = successes / total, z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = z * (share * (1 - share) / total + spread / (4 * total)) ** 0.5 / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
