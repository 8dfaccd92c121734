"""A teacher that is right in a known share of its tries."""

import asyncio
from collections import Counter
from hashlib import blake2b

import aiohttp
import pytest

from beam_distill.cli.main import main
from beam_distill.simulator.mistakes import Mistakes
from beam_distill.simulator.server import serving
from beam_distill.simulator.settings import Accuracy, SimulatorSettings

QUESTIONS = {f"What is {number} plus 3?": str(number + 3) for number in range(500)}


def said(mistakes: Mistakes, question: str, attempt: int, seed: int = 0, system: str = "") -> str:
    return mistakes.answers(
        [{"role": "system", "content": system}, {"role": "user", "content": question}],
        seed,
        blake2b(question.encode(), digest_size=16).digest(),
        attempt,
    )[question]


@pytest.mark.parametrize("same_mistakes", [0.0, 0.5, 1.0])
def test_the_share_of_right_answers_is_the_wanted_one(same_mistakes: float) -> None:
    mistakes = Mistakes(Accuracy(0.6, same_mistakes), QUESTIONS)
    tries = [(question, attempt) for question in QUESTIONS for attempt in range(1, 9)]
    right = sum(said(mistakes, question, attempt) == QUESTIONS[question] for question, attempt in tries)
    assert right / len(tries) == pytest.approx(0.6, abs=0.06)


def test_tries_are_independent_or_make_the_same_mistake() -> None:
    independent, alike = Mistakes(Accuracy(0.6, 0.0), QUESTIONS), Mistakes(Accuracy(0.6, 1.0), QUESTIONS)
    assert all(len({said(alike, question, attempt) for attempt in range(1, 9)}) == 1 for question in QUESTIONS)
    all_right = sum(all(said(independent, question, attempt) == right for attempt in range(1, 9)) for question, right in QUESTIONS.items())
    assert all_right / len(QUESTIONS) == pytest.approx(0.6**8, abs=0.03)


def test_the_same_seed_makes_the_same_mistakes_and_another_does_not() -> None:
    mistakes = Mistakes(Accuracy(0.6), QUESTIONS)
    first, again, other = ([said(mistakes, question, 1, seed) for question in QUESTIONS] for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    ("known", "wrong"),
    [
        ({"q": "84"}, {"85", "83", "94", "168", "48"}),
        ({"q": "0.25"}, {"0.24", "0.26", "0.35"}),
        ({"q": "First 6 * 7 = 42. #### 42"}, {f"First 6 * 7 = 42. #### {number}" for number in (41, 43, 52, 84, 24)}),
        ({"Which one?\nA) a fish\nB) a cat\nC) a dog": "B"}, {"A", "C"}),
        ({"q": "neutral", "r": "entailment", "s": "contradiction"}, {"entailment", "contradiction"}),
        ({"q": f"a long answer {'x' * 50}", "r": f"another one {'y' * 50}"}, {f"another one {'y' * 50}", f"{'x' * 50} answer long a"}),
    ],
)
def test_wrong_answers_are_plausible(known: dict[str, str], wrong: set[str]) -> None:
    mistakes = Mistakes(Accuracy(0.0), known)
    question = next(iter(known))
    found = Counter(said(mistakes, question, attempt) for attempt in range(60))
    assert set(found) == wrong


def test_a_wrong_label_is_one_that_the_request_names() -> None:
    mistakes = Mistakes(Accuracy(0.0), {"q": "neutral", "r": "entailment", "s": "contradiction", "t": "negative"})
    system = "Answer with 'entailment', 'neutral' or 'contradiction'."
    assert {said(mistakes, "q", attempt, system=system) for attempt in range(40)} == {"entailment", "contradiction"}


def test_a_question_without_a_known_answer_has_no_wrong_one() -> None:
    assert Mistakes(Accuracy(0.0), QUESTIONS).answers([{"role": "user", "content": "unknown"}], 0, b"x", 1) == QUESTIONS


def test_the_server_draws_again_for_each_try_at_a_request() -> None:
    async def ask() -> list[str]:
        settings = SimulatorSettings(answers={"q": "84"}, accuracy=Accuracy(0.5))
        async with serving(settings) as port, aiohttp.ClientSession() as session:
            body = {"messages": [{"role": "user", "content": "q"}]}
            texts = []
            for _ in range(30):
                async with session.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body) as response:
                    texts.append((await response.json())["choices"][0]["message"]["content"])
            return texts

    found = Counter(asyncio.run(ask()))
    assert 5 < found["84"] < 25
    assert len(found) > 2


def test_mistakes_need_known_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--port", "0", "--right", "0.6"]) == 2
    assert "name the file that has them with --answers" in capsys.readouterr().err
    assert main(["simulate", "--port", "0", "--right", "1.6"]) == 2
    assert "--right 1.6: expected 0 to 1" in capsys.readouterr().err
