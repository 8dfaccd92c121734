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
