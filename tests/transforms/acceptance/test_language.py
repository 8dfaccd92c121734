"""Answers in the wanted language and in another."""

import pytest
from acceptance_samples import a_sample, refusal

from transforms.acceptance.base import WrongSetting
from transforms.acceptance.language import LANGUAGES, LanguageCheck, _identifier

EN = "What is the capital of France, and which river does it lie on?"
DE = "Was ist die Hauptstadt von Frankreich, und an welchem Fluss liegt sie?"
ZH = "法国的首都是哪里？它位于哪条河边？"
ANSWERS = {
    "en": "The capital of France is Paris, which lies on the river Seine.",
    "de": "Die Hauptstadt von Frankreich ist Paris, das an der Seine liegt.",
    "fr": "La capitale de la France est Paris, qui se trouve au bord de la Seine.",
    "zh": "法国的首都是巴黎，位于塞纳河畔。",
    "ja": "フランスの首都はパリで、セーヌ川沿いにあります。",
    "ru": "Столица Франции — Париж, он стоит на реке Сене.",
}


@pytest.mark.parametrize("language", ANSWERS)
@pytest.mark.parametrize(("question", "wanted"), [(EN, "en"), (DE, "de"), (ZH, "zh")])
def test_an_answer_is_in_the_language_of_its_question(question: str, wanted: str, language: str) -> None:
    refused = refusal(LanguageCheck(), a_sample(ANSWERS[language], question=question))
    assert (refused is None) == (language == wanted)
    if refused is not None:
        assert refused == ("other_language", f"the answer looks like {language!r}, expected {wanted!r}, that of the question")


@pytest.mark.parametrize("language", ANSWERS)
def test_or_in_the_named_one(language: str) -> None:
    refused = refusal(LanguageCheck("fr"), a_sample(ANSWERS[language], question=EN))
    assert (refused is None) == (language == "fr")


@pytest.mark.parametrize(
    "answer",
    [
        "84",
        "B",
        "",
        "Paris",
        "neutral",
        "x = 3y + 2",
        "```python\ndef hauptstadt(name):\n    return 'Die Hauptstadt von Frankreich ist Paris'\n```",
        r"$\frac{\text{Weg und auch noch viel mehr}}{\text{Zeit}}$",
        "https://example.org/die-hauptstadt-von-frankreich-ist-paris",
        "12 345 678, 90, 11.5 %",
        "Ja, genau.",
    ],
)
def test_what_is_short_or_has_no_language_is_accepted(answer: str) -> None:
    assert refusal(LanguageCheck(), a_sample(answer, question=EN)) is None


def test_a_question_without_a_language_asks_for_none() -> None:
    assert refusal(LanguageCheck(), a_sample(ANSWERS["de"], question="3 + 4 = ?")) is None
    assert refusal(LanguageCheck("en"), a_sample(ANSWERS["de"], question="3 + 4 = ?")) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hovedstaden i Frankrig er Paris, som ligger ved Seinen.", "Hva er hovedstaden i Frankrike, og ved hvilken elv ligger den?"),
        ("Glavni grad Francuske je Pariz, koji leži na rijeci Seni.", "Који је главни град Француске и на којој реци се налази?"),
        ("Ibu kota Perancis ialah Paris, yang terletak di tepi Sungai Seine.", "Apa ibu kota Prancis dan di tepi sungai apa kota itu terletak?"),
    ],
)
def test_near_languages_count_as_one(one: str, other: str) -> None:
    assert refusal(LanguageCheck(), a_sample(one, question=other)) is None


def test_an_unknown_language_is_refused_and_all_known_ones_are_listed() -> None:
    with pytest.raises(WrongSetting, match="does not know 'english'"):
        LanguageCheck.from_settings({"answer_language": "english"})
    assert LanguageCheck.from_settings({"answer_language": "de"}) == LanguageCheck("de")
    assert set(LANGUAGES.split()) == {str(code) for code, _ in _identifier().rank("text")} - {"zxx"}
