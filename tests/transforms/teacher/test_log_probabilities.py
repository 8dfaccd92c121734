"""Which tokens of a recorded response are the published answer."""

import json
from typing import Any

import pytest

from transforms.teacher.log_probabilities import tokens_of


def response(*tokens: str | tuple[str, list[int]], top: int = 0) -> str:
    entries: list[dict[str, Any]] = []
    for place, token in enumerate(tokens):
        text, its_bytes = token if isinstance(token, tuple) else (token, list(token.encode()))
        likely = [{"token": f"{text}{number}", "logprob": -float(number), "bytes": None} for number in range(top)]
        entries.append({"token": text, "logprob": -float(place), "bytes": its_bytes, "top_logprobs": likely})
    choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "logprobs": {"content": entries}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice]})


def published(answer: str, *tokens: str | tuple[str, list[int]]) -> tuple[str, ...] | None:
    found = tokens_of(response(*tokens), answer)
    return None if found is None else found.tokens


@pytest.mark.parametrize(
    ("answer", "tokens", "expected"),
    [
        ("The sum is 7.", ("The", " sum", " is", " 7", "."), ("The", " sum", " is", " 7", ".")),
        ("The sum is 7.", ("\n", "The", " sum", " is", " 7.", "\n\n"), ("The", " sum", " is", " 7.")),
        ("7", ("<think>", "3 plus 4 is 7", "</think>", "\n", "7"), ("7",)),
        ("entailment", ('{"reason": "', "it follows", '", "answer', '_choice": "', "entail", "ment", '"}'), ("entail", "ment")),
        ("7", ("so", " 7", ", or", " 7", " after", " all"), None),
        ("4", ("1", "4"), ("4",)),
        ("4", ("14", " and ", "24"), None),
        ("1200", ("1", ",", "200"), None),
        ("", ("a",), None),
        ("7", ("<think>", "is it 7?", "</think>", "\n", "7", "<|im_end|>"), ("7",)),
        ("7", ("<|channel|>", "analysis", "<|message|>", "7?", "<|end|>", "<|channel|>", "final", "<|message|>", "7", "<|return|>"), ("7",)),
        ("7", ("7 or", " 7", "</s>"), (" 7",)),
        ("Grüße", (("Gr\\xc3", [71, 114, 0xC3]), ("\\xbc", [0xBC]), "ße"), ("Gr\\xc3", "\\xbc", "ße")),
    ],
)
def test_only_tokens_that_certainly_are_the_answer_count(answer: str, tokens: tuple[Any, ...], expected: tuple[str, ...] | None) -> None:
    assert published(answer, *tokens) == expected


def test_likely_tokens_stay_beside_their_token() -> None:
    found = tokens_of(response("a", "b", top=2), "ab")
    assert found is not None
    assert found == (("a", "b"), (0.0, -1.0), (("a0", "a1"), ("b0", "b1")), ((0.0, -1.0), (0.0, -1.0)))


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "[1]",
        '{"choices":[{"message":{"content":"7"}}]}',
        '{"choices":[{"message":{"content":"7"},"logprobs":null}]}',
        '{"choices":[{"message":{"content":"7"},"logprobs":{"content":null}}]}',
        '{"choices":[{"message":{"content":"7"},"logprobs":[1]}]}',
        '{"choices":[{"message":{"content":"7"},"logprobs":{"tokens":"7","token_logprobs":-1}}]}',
        '{"choices":[{"message":{"content":"7"},"logprobs":{"tokens":[7,null],"token_logprobs":[-1]}}]}',
    ],
)
def test_a_response_without_log_probabilities_has_none(body: str) -> None:
    assert tokens_of(body, "7") is None


def test_numbers_that_json_has_not_are_null() -> None:
    body = '{"choices":[{"message":{"content":"7"},"logprobs":{"content":[{"token":"7","logprob":-Infinity,"top_logprobs":[{"token":"8"}]}]}}]}'
    assert tokens_of(body, "7") == (("7",), (None,), (("8",),), ((None,),))


@pytest.mark.parametrize(
    ("logprobs", "expected"),
    [
        ({"content": [{"token": "7", "logprob": -1, "top_logprobs": 2}]}, (("7",), (-1.0,), ((),), ((),))),
        ({"content": [{"token": "7", "logprob": True, "top_logprobs": True}]}, (("7",), (None,), ((),), ((),))),
        ({"content": [{"token": "7", "logprob": 10**400, "top_logprobs": "abc"}]}, (("7",), (None,), ((),), ((),))),
        ({"content": [{"token": "7", "logprob": -1, "top_logprobs": [{"token": None}, None, 5]}]}, (("7",), (-1.0,), ((),), ((),))),
        ({"content": [{"token": "7", "logprob": -1, "top_logprobs": {"7": -1, "8": -2}}]}, (("7",), (-1.0,), (("7", "8"),), ((-1.0, -2.0),))),
        ({"tokens": ["7"], "token_logprobs": [-1], "top_logprobs": [{"7": -1}]}, (("7",), (-1.0,), (("7",),), ((-1.0,),))),
        ({"content": None, "tokens": ["7"], "token_logprobs": []}, (("7",), (None,), ((),), ((),))),
    ],
)
def test_other_forms_are_read_and_none_fails(logprobs: dict[str, Any], expected: tuple[Any, ...]) -> None:
    choice = {"message": {"content": "7"}, "logprobs": logprobs}
    assert tokens_of(json.dumps({"choices": [choice]}), "7") == expected
