"""What a label column's value comes to."""

from typing import Any

import pytest

from transforms.intake.label_value import label_in


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("neutral", "neutral"),
        (None, None),
        ("-", None),  # SNLI, where the annotators did not agree
        (" - ", None),
        ("-1", "-1"),
        (1, 1),
        (1.0, 1),
        (1.5, 1.5),
        (float("inf"), float("inf")),
        (1e300, 1e300),
        (True, True),
        ({"text": ["red", "the red"], "answer_start": [3, 1]}, "red"),  # SQuAD
        ({"text": [], "answer_start": []}, None),  # SQuAD 2, without an answer
        ({"value": "Paris", "aliases": ["Paris", "Paname"]}, "Paris"),  # TriviaQA
        ({"text": "red"}, "red"),
        (["B"], "B"),
        ([2.0], 2),
        ([], None),
        (["sports", "politics"], ["sports", "politics"]),
        ({"spans": ["a"]}, {"spans": ["a"]}),
        ([["a"]], ["a"]),
    ],
)
def test_the_one_label_in_a_value(value: Any, label: Any) -> None:
    found = label_in(value)
    assert found == label
    assert type(found) is type(label)
