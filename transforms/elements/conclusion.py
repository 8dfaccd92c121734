"""What the writing of datasets found: counts of what is in the files, and whether it is what was judged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from transforms.elements.rows import Split
from transforms.elements.tally import SuccessTally, Verdict


@dataclass(frozen=True, slots=True)
class DamagedPart:
    """What a segment of the ledger lost: its path, how many of its records can be read, and what cannot, in words."""

    path: str
    kept: int
    why: str


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Rows per split and reason (None for examples), and answers that this run paid for more than once.

    The verdict counts rows as they were scored. Where a part of the job ran twice at once the two can differ by the rows of which one try
    got an answer and the other none; these counts are those of the files. ``changed`` says of a split why what was to be written is not
    what was judged: nothing is published then.
    """

    repeated: int
    splits: dict[Split, dict[str | None, int]]
    changed: dict[Split, str] = field(default_factory=dict)
    damaged: tuple[DamagedPart, ...] = ()


def difference(judged: SuccessTally, written: SuccessTally, repeated: int) -> str | None:
    """How what is to be written differs from what was judged; None where it does not.

    ``repeated`` rows may have ended otherwise, for the later of two answers to the same request counts; and a row may have got an answer
    from a worker that was taken for lost.
    """
    if (judged.rows, judged.rows_digest) != (written.rows, written.rows_digest):
        if judged.rows != written.rows:
            return f"the input has changed: {judged.rows:,} rows were judged, {written.rows:,} were there when the dataset was written"
        return f"the input has changed: of its {judged.rows:,} rows, some are not those that were judged"
    lost = judged.examples - written.examples
    if lost > repeated or (lost == 0 and not repeated and judged.examples_digest != written.examples_digest):
        return (
            f"the ledger has changed: {judged.examples:,} rows had an example when they were judged, {written.examples:,} have one in what "
            "the ledger holds now"
        )
    return None


def as_written(verdict: Verdict, conclusion: Conclusion) -> Verdict:
    """The verdict with the counts of examples and rejects that the files have; nothing is published where these are not what was judged."""
    parts = []
    for part in verdict.splits:
        found = conclusion.splits.get(part.split)
        if found is not None:
            reasons = {reason: count for reason, count in found.items() if reason is not None}
            tally = replace(part.tally, rows=sum(found.values()), examples=found.get(None, 0), reasons=reasons)
            ratio = tally.examples / tally.asked if tally.asked else None
            part = replace(part, tally=tally, ratio=ratio if conclusion.changed else part.ratio)
        if conclusion.changed:
            why = conclusion.changed.get(part.split) or f"{', '.join(split.value for split in conclusion.changed)} changed while the run went on"
            part = replace(part, published=False, explanation=why)
        parts.append(part)
    return replace(verdict, splits=tuple(parts))


def conclusion_text(conclusion: Conclusion) -> str:
    """The conclusion as JSON."""
    return json.dumps(
        {
            "repeated": conclusion.repeated,
            "splits": {split.value: [[reason, count] for reason, count in found.items()] for split, found in conclusion.splits.items()},
            "changed": {split.value: why for split, why in conclusion.changed.items()},
            "damaged": [[part.path, part.kept, part.why] for part in conclusion.damaged],
        }
    )


def read_conclusion(text: str) -> Conclusion:
    """What ``conclusion_text`` wrote."""
    fields: Mapping[str, Any] = json.loads(text)
    return Conclusion(
        fields["repeated"],
        {Split(name): dict(found) for name, found in fields["splits"].items()},
        {Split(name): why for name, why in fields.get("changed", {}).items()},
        tuple(DamagedPart(*part) for part in fields.get("damaged", ())),
    )
