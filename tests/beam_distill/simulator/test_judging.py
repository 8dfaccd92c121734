"""A judge that is right in a known share of its verdicts."""

import json
from hashlib import blake2b

import pytest

from beam_distill.simulator.judging import SimulatedJudge

KNOWN = {f"What is {number} plus 3?": str(number + 3) for number in range(500)}


def score(judge: SimulatedJudge, question: str, answer: str, seed: int = 0) -> int:
    text = f'Grade it.\n<question>\n{question}\n</question>\n<answer>\n{answer}\n</answer>\nReply with {{"score": 1 to 10}}'
    verdict = judge.verdict([{"role": "user", "content": text}], seed, blake2b(text.encode(), digest_size=16).digest())
    assert verdict is not None
    found: int = json.loads(verdict)["score"]
    return found


def test_right_answers_get_high_scores_and_others_low_ones() -> None:
    judge = SimulatedJudge(1.0, KNOWN)
    assert all(score(judge, question, f"so it is #### {answer}") >= 8 for question, answer in KNOWN.items())
    assert all(score(judge, question, str(int(answer) + 1)) <= 4 for question, answer in KNOWN.items())


def test_the_share_of_right_verdicts_is_the_wanted_one_and_the_same_each_time() -> None:
    judge = SimulatedJudge(0.9, KNOWN)
    verdicts = [score(judge, question, answer) for question, answer in KNOWN.items()]
    assert sum(found >= 8 for found in verdicts) / len(verdicts) == pytest.approx(0.9, abs=0.05)
    assert verdicts == [score(judge, question, answer) for question, answer in KNOWN.items()]
    assert verdicts != [score(judge, question, answer, seed=1) for question, answer in KNOWN.items()]


def test_other_requests_are_no_questions_to_a_judge() -> None:
    assert SimulatedJudge(1.0, KNOWN).verdict([{"role": "user", "content": "What is 1 plus 3?"}], 0, b"") is None
