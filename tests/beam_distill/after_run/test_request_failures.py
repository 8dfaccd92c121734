"""Which failures are reported, and with which text."""

import pytest

from beam_distill.after_run.request_failures import LONGEST_WORDS, MOST, most_frequent, own_words


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ('status 400: {"error": {"message": "too \\"hot\\"", "code": 1}}', 'status 400: too "hot"'),
        ('status 422: {"detail": "no such field: top_p"}', "status 422: no such field: top_p"),
        ('status 400: {"object": "error", "message": "torn off here", "par', "status 400: torn off here"),
        ('status 400: {"error": {"message": "caf\\u00e9"}}', "status 400: café"),
        ('status 422: {"detail": [{"loc": ["body"], "msg": "field required"}]}', "status 422: field required"),
        ("status 503: the\n  upstream\x1b is out", "status 503: the upstream· is out"),
        ("nothing came within 180 s", "nothing came within 180 s"),
        ('status 500: {"cause": 7}', 'status 500: {"cause": 7}'),
        ("x" * 1000, "x" * LONGEST_WORDS + "…"),
    ],
)
def test_the_servers_own_words(detail: str, words: str) -> None:
    assert own_words(detail) == words


def test_messages_that_differ_in_numbers_and_ids_count_as_one() -> None:
    rejects = [{"reason": "bad_request", "detail": f"status 400: id {number:032x} of {number} tokens"} for number in range(9)]
    rejects += [{"reason": "timed_out", "detail": "nothing came"}] * 2
    rejects += [{"reason": "no_json", "detail": "an answer"}] * 50 + [{"reason": "not_sent", "detail": "later"}] * 50
    reported = most_frequent(rejects)
    assert [(failure.reason, failure.rows) for failure in reported] == [("bad_request", 9), ("timed_out", 2)]
    assert reported[0].words == f"status 400: id {0:032x} of 0 tokens"


def test_only_the_most_frequent_are_reported() -> None:
    rejects = [{"reason": "bad_request", "detail": "abcdefghijkl"[kind]} for kind in range(12) for _ in range(kind + 1)]
    assert [failure.rows for failure in most_frequent(rejects)] == [12, 11, 10][:MOST]
