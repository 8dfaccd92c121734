"""What a finish_reason means, whoever sends it."""

import pytest

from transforms.elements.finish_reasons import WORDS, Ending, ending_of

SPELLINGS = [
    (None, Ending.COMPLETE),
    ("", Ending.COMPLETE),
    ("STOP", Ending.COMPLETE),
    ("FINISH_REASON_STOP", Ending.COMPLETE),
    ("FinishReason.STOP", Ending.COMPLETE),
    ("eosFound", Ending.COMPLETE),
    ("end-turn", Ending.COMPLETE),
    ("MAX_TOKENS", Ending.CUT_OFF),
    ("REASON_MAX_LEN", Ending.CUT_OFF),
    ("maxPredictedTokensReached", Ending.CUT_OFF),
    ("SAFETY", Ending.FILTERED),
    ("content_filter: SAFETY", Ending.FILTERED),
    ("error: upstream closed the connection", Ending.BROKEN_OFF),
    ("Tool Calls", Ending.TOOL_CALLS),
    ("StopReason.END_TURN", Ending.COMPLETE),
    ("<|im_end|>", Ending.COMPLETE),
    ("end_token", Ending.COMPLETE),
    ("ALTERNATIVE_STATUS_FINAL", Ending.COMPLETE),
    ("ALTERNATIVE_STATUS_TRUNCATED_FINAL", Ending.CUT_OFF),
    ("max_tokens_limit", Ending.CUT_OFF),
    ("out_of_context", Ending.CUT_OFF),
    ("incomplete", Ending.CUT_OFF),
    ("blacklist", Ending.FILTERED),
    ("GUARDRAIL_BLOCKED", Ending.FILTERED),
    ("policy_violation", Ending.FILTERED),
    ("content_filter_error", Ending.FILTERED),
    ("internal_server_error", Ending.BROKEN_OFF),
    ("user_abort", Ending.BROKEN_OFF),
    ("deadline_exceeded", Ending.BROKEN_OFF),
    ("weird", None),
    ("maximal", None),
    ("stop: length", None),
    ("stopped_early", None),
    ("FINISH_REASON_UNSPECIFIED", None),
    ("OTHER", None),
    ("null", None),
    ("1", None),
]


@pytest.mark.fault("D1")
@pytest.mark.parametrize(("word", "ending"), SPELLINGS)
def test_a_word_means_the_same_in_every_spelling(word: str | None, ending: Ending | None) -> None:
    assert ending_of(word) is ending


@pytest.mark.fault("D1", "R2")
def test_no_word_has_two_meanings() -> None:
    words = [word for listed in WORDS.values() for word in listed]

    assert len(words) == len(set(words))
    assert all(ending_of(word) is ending for ending, listed in WORDS.items() for word in listed)
