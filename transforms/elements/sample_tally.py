"""How right the teacher was: what the checks said of each row's samples, and their sum over a split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class RowSamples(NamedTuple):
    """The samples of one row that were answered to their end.

    ``refused`` has the reason of each that was not accepted. ``agrees``: whether the kept answer equals the row's label; None without a
    label or without a kept answer.
    """

    samples: int
    refused: tuple[str, ...]
    agrees: bool | None


@dataclass(slots=True)
class SampleTally:
    """Mergeable counts of one split. ``pass_tenths`` counts rows by the share of their samples that was accepted, in tenths rounded down."""

    rows: int = 0
    samples: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    pass_tenths: dict[int, int] = field(default_factory=dict)
    labelled: int = 0
    agreeing: int = 0

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

    def merge(self, other: SampleTally) -> None:
        """Add the counts of another part of the same split."""
        self.rows += other.rows
        self.samples += other.samples
        self.labelled += other.labelled
        self.agreeing += other.agreeing
        for reason, count in other.refused.items():
            self.refused[reason] = self.refused.get(reason, 0) + count
        for tenth, count in other.pass_tenths.items():
            self.pass_tenths[tenth] = self.pass_tenths.get(tenth, 0) + count

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
        )


def interval(successes: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), which is sensible for few and for extreme counts. ``total`` is not 0."""
    z = 1.959964
    share, spread = successes / total, z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = z * (share * (1 - share) / total + spread / (4 * total)) ** 0.5 / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
