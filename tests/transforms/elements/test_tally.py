"""What a split needs to be published, with and without checks."""

import json

import pytest

from transforms.elements.rows import RowOrigin, Split
from transforms.elements.tally import GateSpec, RowOutcome, SplitVerdict, SuccessTally, Verdict, row_digest, verdict_of
from transforms.elements.verdict_json import read_verdict, verdict_fields


def a_tally(**reasons: int) -> SuccessTally:
    """Rows by reason; ``examples`` are those without one."""
    tally = SuccessTally()
    for reason, count in reasons.items():
        for number in range(count):
            digest = row_digest(RowOrigin(Split.TRAIN, "rows.jsonl", 1, number), "key")
            tally.add(RowOutcome(Split.TRAIN, None if reason == "examples" else reason, digest))
    return tally


def judged(gate: GateSpec, **reasons: int) -> SplitVerdict:
    (part,) = verdict_of({Split.TRAIN: a_tally(**reasons)}, gate).splits
    return part


def test_a_refused_row_is_one_whose_endpoint_worked() -> None:
    tally = a_tally(examples=5, wrong_label=3, no_json=1, timeout=1, invalid_json=2)
    assert (tally.asked, tally.usable, tally.refused) == (10, 8, 3)
    assert (tally.success_ratio, tally.accepted_ratio) == (0.8, 0.5)


@pytest.mark.parametrize(
    ("gate", "reasons", "published", "explanation"),
    [
        (GateSpec(0.7), {"examples": 8, "no_json": 2}, True, "8 of 10 rows asked gave an example (80.0%)"),
        (GateSpec(0.9), {"examples": 8, "no_json": 2}, False, "8 of 10 rows asked gave an example (80.0%), below the minimum of 90.0%"),
        (
            GateSpec(0.7),
            {"examples": 2, "wrong_label": 6, "no_json": 2},
            True,
            "2 of 10 rows asked gave an example (20.0%); checks refused the usable answers of 6 rows",
        ),
        (
            GateSpec(0.9),
            {"examples": 2, "wrong_label": 6, "no_json": 2},
            False,
            "8 of 10 rows asked have a usable answer (80.0%), below the minimum of 90.0%",
        ),
        (
            GateSpec(0.7, minimum_accepted_ratio=0.5),
            {"examples": 2, "wrong_label": 6, "no_json": 2},
            False,
            "2 of 10 rows asked gave an example (20.0%), below the minimum of 50.0% (min_accepted_ratio); checks refused the usable answers of "
            "6 rows",
        ),
        (
            GateSpec(0.7, minimum_accepted_ratio=0.9),
            {"examples": 8, "no_json": 2},
            False,
            "8 of 10 rows asked gave an example (80.0%), below the minimum of 90.0% (min_accepted_ratio)",
        ),
        (
            GateSpec(0.7),
            {"too_long": 10},
            False,
            "none of 10 rows asked gave an example; checks refused the usable answers of 10 rows, so the dataset would be empty",
        ),
    ],
)
def test_an_endpoint_that_works_and_a_teacher_that_is_wrong_are_two_messages(
    gate: GateSpec, reasons: dict[str, int], published: bool, explanation: str
) -> None:
    part = judged(gate, **reasons)
    assert (part.published, part.explanation) == (published, explanation)


def test_the_accepted_ratio_is_in_the_verdict_file_and_an_older_file_is_read() -> None:
    verdict = Verdict((judged(GateSpec(0.7, minimum_accepted_ratio=0.5), examples=2, wrong_label=8),), None)
    fields = verdict_fields(verdict)
    split = fields["splits"]["train"]
    assert (split["success_ratio"], split["accepted_ratio"], split["minimum_accepted_ratio"]) == (1.0, 0.2, 0.5)
    assert read_verdict(json.dumps(fields)).splits[0].minimum_accepted == 0.5
    del split["accepted_ratio"], split["minimum_accepted_ratio"]
    assert read_verdict(json.dumps(fields)).splits[0].minimum_accepted == 0.0
