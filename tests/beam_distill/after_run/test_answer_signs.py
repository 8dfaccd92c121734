"""Sentences about answers that are complete but may not be what was asked for."""

import json
import shlex
from typing import Any

import pytest

from beam_distill.after_run.answer_signs import sign_warnings
from beam_distill.config.fields import read_stop


def warned(metrics: dict[str, Any], model: str | None = "big-teacher", stop: tuple[str, ...] = ()) -> str:
    return "\n".join(sign_warnings({"requests_answered": 20, **metrics}, model, stop))


@pytest.mark.parametrize(
    ("names", "model", "said"),
    [
        ({"big-teacher": 12, "mini": 8}, "big-teacher", "8 of 20 answers say they are from mini, 12 from big-teacher."),
        ({"big-teacher": 8, "mini": 12}, "big-teacher", "12 of 20 answers say they are from mini, 8 from big-teacher."),
        ({"big-2": 12, "mini": 8}, "alias", "8 of 20 answers say they are from mini, 12 from big-2."),
        ({"big-2": 12, "mini": 8}, None, "8 of 20 answers say they are from mini, 12 from big-2."),
        ({"a": 3, "b": 5, "org/Big": 6, "big": 6}, "big", "5 of 20 answers say they are from b, 3 from a, 12 from big."),
    ],
)
def test_answers_of_other_models_are_counted(names: dict[str, int], model: str | None, said: str) -> None:
    assert said in warned({f"answered_as_1_{name}": count for name, count in names.items()}, model)


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"answered_as_1_alias": 20},
        {"answered_as_1_org/Big-Teacher": 10, "answered_as_1_big-teacher": 10},
        {"answered_as_1_of-one-endpoint": 10, "answered_as_2_of-another": 10},
        {"answers_cached": 3, "ids_not_unique": 1},
        {"turns_invented_human": 1},
        {"requests_answered": 1000, "turns_invented_human": 9},
    ],
)
def test_no_sign_no_warning(metrics: dict[str, Any]) -> None:
    assert warned(metrics) == ""


def test_cut_prompts_and_cached_answers_are_counted_with_advice() -> None:
    assert "7 of 20 answers are to prompts that the server seems to have cut" in warned({"prompts_cut": 7})
    assert "num_ctx of Ollama" in warned({"prompts_cut": 7})
    assert "6 of 20 answers have the id and the text of an answer to another request" in warned({"answers_cached": 6})


def test_a_response_that_is_several_samples_is_no_further_vote() -> None:
    said = "\n".join(sign_warnings({"requests_answered": 20, "answers_cached": 6}, None, (), has_samples=True))
    assert "6 of 20 answers have the id and the text of an answer to another request or sample" in said
    assert "no further vote" in said
    assert """--extra_body '{"cache": {"no-cache": true}}'""" in said


def test_the_advised_stop_texts_can_be_given_as_they_are_printed() -> None:
    sentence = warned({"turns_invented_human": 3, "turns_invented_chatml": 5}, stop=("END",))
    assert sentence.startswith("8 of 20 answers go on with a turn of the user")
    assert """--teacher_model_stop '["END", "<|im_start|>user", "\\nHuman:"]'""" in sentence
    given = shlex.split(sentence.partition("--teacher_model_stop ")[2].partition(" ends")[0])
    assert read_stop(given[0]) == ("END", "<|im_start|>user", "\nHuman:")
    assert len(json.loads(given[0])) <= 4


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ({"answers_alike": 6}, "6 of 20 answers to different prompts are the same text, word for word"),
        ({"prompts_echoed": 9}, "9 of 20 answers repeat their whole prompt before they go on"),
        ({"stopped_at_limit": 2}, "2 of 20 answers have exactly as many tokens as teacher_model_max_new_tokens allows"),
    ],
)
def test_answers_that_are_no_answers_to_the_prompt(metrics: dict[str, Any], said: str) -> None:
    assert said in warned(metrics)
    assert warned({"requests_answered": 100_000, **metrics}) == ""


def test_words_around_summaries_are_counted_and_those_around_other_answers_are_not() -> None:
    metrics = {"requests_answered": 20, "answers_framed": 3}
    said = "".join(sign_warnings(metrics, None, (), are_summaries=True))
    assert said.startswith("3 of 20 answers have words to the reader before or after the summary")
    assert sign_warnings(metrics, None, ()) == []
    assert sign_warnings({**metrics, "answers_framed": 2}, None, (), are_summaries=True) == []
    assert sign_warnings({**metrics, "requests_answered": 1000}, None, (), are_summaries=True) == []
