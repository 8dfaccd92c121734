"""The number that an answer states."""

from decimal import Decimal

import pytest

from transforms.prompts.plain_number import NotCertain, shortest, stated_number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("42", "42"),
        ("42.", "42"),
        ("-3", "-3"),
        ("\u22123", "-3"),
        ("+5", "5"),
        ("0", "0"),
        ("-0.0", "0"),
        ("007", "7"),
        ("0.5", "0.5"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        ("0.50", "0.5"),
        ("1,234.0", "1234"),
        ("1,234,567", "1234567"),
        ("1e3", "1000"),
        ("12345678901234567890.5", "12345678901234567890.5"),
        ("$42", "42"),
        ("-$42", "-42"),
        ("$-42", "-42"),
        ("42€", "42"),
        ("$42$", "42"),
        ("**42**", "42"),
        ('"42"', "42"),
        ("`42`", "42"),
        ("(42)", "42"),
        ("42 apples", "42"),
        ("42 dollars.", "42"),
        ("The answer is 42", "42"),
        ("The answer is **42**.", "42"),
        ("Answer: $1,050", "1050"),
        ("**Answer:** -7", "-7"),
        ("She earned 27 dollars.", "27"),
        ("3 * 9 = 27. The answer is 27.", "27"),
        ("3 * 9 = 27\n#### 27", "27"),
        ("So 3 and 9 give \\boxed{27}.", "27"),
        ("First \\boxed{27}, again \\boxed{27}", "27"),
        ("x = 4", "4"),
        ("", None),
        ("none", None),
        ("3 + 4 = 7", "7"),
        ("7 = 3 + 4", None),
        ("12 or 13", None),
        ("12 12", None),
        ("1/2", None),
        ("50%", None),
        ("50 %", None),
        ("50 percent", None),
        ("50\\%", None),
        ("1.5 million", None),
        ("3 dozen", None),
        ("2 and a half", None),
        ("2½", None),
        ("2²", None),
        ("1,23", None),
        ("1.234,5", None),
        ("0,123", None),
        ("1.2.3", None),
        ("12:30", None),
        ("3x", None),
        ("x2", None),
        ("3rd", None),
        ("2k", None),
        ("~42", None),
        ("> 42", None),
        ("about 42", None),
        ("- 42", None),
        ("negative 5", None),
        ("It is not 42", None),
        ("I can't answer question 3", None),
        ("The answer is 42 because 40 + 2", None),
        ("\\boxed{1} and \\boxed{2}", None),
        ("1e999", None),
        ("9" * 70, None),
        ("words " * 50 + "42", None),
        ("٤٢", None),
    ],
)
def test_stated_number(text: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(NotCertain):
            stated_number(text)
    else:
        assert stated_number(text) == expected


@pytest.mark.parametrize("digits", ["1E+999999999", "1E-999999999", "NaN", "Infinity", "9" * 61])
def test_numbers_that_cannot_be_written_out(digits: str) -> None:
    with pytest.raises(NotCertain):
        shortest(Decimal(digits))
