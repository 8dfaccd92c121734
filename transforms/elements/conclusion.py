"""The result of writing the datasets: the counts in the files, and whether they match the judged rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from transforms.elements.rows import Split
from transforms.elements.tally import SuccessTally, Verdict


@dataclass(frozen=True, slots=True)
class DamagedPart:
    """Damage in a segment of the ledger: its path, how many of its records can be read, and a description of the rest."""

    path: str
    kept: int
    why: str


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Rows per split and reason (None for examples), and answers that this run paid for more than once. ``pairs``: pairs of answers of each
    split that has a file of them. ``without_logprobs``: rows of each split that lack some that were asked for.

    The verdict counts rows when they are scored; these counts are those of the files. If a part of the job ran twice at the same time, they
    can differ by rows that only one try got an answer for. ``changed`` says why a split's rows differ from the judged ones; then nothing is
    published.
    """

    repeated: int
    splits: dict[Split, dict[str | None, int]]
    changed: dict[Split, str] = field(default_factory=dict)
    damaged: tuple[DamagedPart, ...] = ()
    pairs: dict[Split, int] = field(default_factory=dict)
    without_logprobs: dict[Split, int] = field(default_factory=dict)


def difference(judged: SuccessTally, written: SuccessTally, repeated: int) -> str | None:
    """How the rows to write differ from the judged ones; None if they do not.

    Up to ``repeated`` rows may have another result, because the later of two answers to a request counts. A row may also have got an answer
    from a worker that was considered lost.
    """
    if (judged.rows, judged.rows_digest) != (written.rows, written.rows_digest):
        if judged.rows != written.rows:
            return f"the input has changed: {judged.rows:,} rows were judged, the dataset's writer found {written.rows:,}"
        return f"the input has changed: some of its {judged.rows:,} rows are not the judged ones"
    lost = judged.examples - written.examples
    if lost > repeated or (lost == 0 and not repeated and judged.examples_digest != written.examples_digest):
        return f"the ledger has changed: {judged.examples:,} rows had an example when they were judged, {written.examples:,} have one now"
    return None


def as_written(verdict: Verdict, conclusion: Conclusion) -> Verdict:
    """The verdict with the files' counts of examples and rejects; nothing is published if they do not match the judged rows."""
    parts = []
    for part in verdict.splits:
        found = conclusion.splits.get(part.split)
        if found is not None:
            reasons = {reason: count for reason, count in found.items() if reason is not None}
            pairs, without = conclusion.pairs.get(part.split), conclusion.without_logprobs.get(part.split)
            tally = replace(part.tally, rows=sum(found.values()), examples=found.get(None, 0), reasons=reasons)
            tally = replace(tally, pairs=pairs, without_logprobs=without)
            part = replace(part, tally=tally, ratio=tally.success_ratio if conclusion.changed else part.ratio)
        if conclusion.changed:
            why = conclusion.changed.get(part.split) or f"{', '.join(split.value for split in conclusion.changed)} changed during the run"
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
            "pairs": {split.value: count for split, count in conclusion.pairs.items()},
            "without_logprobs": {split.value: count for split, count in conclusion.without_logprobs.items()},
        }
    )


def read_conclusion(text: str) -> Conclusion:
    """The inverse of ``conclusion_text``."""
    fields: Mapping[str, Any] = json.loads(text)
    return Conclusion(
        fields["repeated"],
        {Split(name): dict(found) for name, found in fields["splits"].items()},
        {Split(name): why for name, why in fields.get("changed", {}).items()},
        tuple(DamagedPart(*part) for part in fields.get("damaged", ())),
        {Split(name): count for name, count in fields.get("pairs", {}).items()},
        {Split(name): count for name, count in fields.get("without_logprobs", {}).items()},
    )
