"""The language of an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from transforms.acceptance.base import CheckRefused, Sample, WrongSetting
from transforms.elements import reasons
from transforms.elements.tasks import TaskType

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

LANGUAGES = """
ace af am an ar ary arz as az ba bcl be bg bn br bs ca crh cs cy da de dz el en eo es et eu ext fa fi fo fr fuv fy ga gcf gcr gd gl gom
grc gu gug guw ha hbo he hi hr ht hu hy id ig is it ja jv ka kab kik kk km kn ko ku ky la lb lg lij ln lo lt ltg lv mg mk ml mn mr ms mt
my ne nl nn no nso oc om or pa pcm pl ps pt qu ro ru rw sa sdh se si sk sl sn so sq sr st sv sw ta te tg th tk tl tr tt ug uk ur uz uzs
vec vi vo wa wuu xh yo yue zh zu
"""
"""The languages that py3langid knows, by their codes in ISO 639; a test compares."""

_NO_LANGUAGE = "zxx"

_ALIKE = ("da nn no", "bs hr sr", "id jv ms", "cs sk", "gl pt", "zh wuu yue", "ar ary arz", "it lij vec", "uz uzs", "en pcm", "lv ltg", "he hbo")
"""Languages too near to each other to be separated in a few sentences."""
_GROUP = {code: group for group in _ALIKE for code in group.split()}

_LOOKED_AT = 2_000
_LONGEST = 300
"""Characters that are enough to tell; each costs a few microseconds."""
_SURE = 0.5
"""The probability that a language, with those like it, needs to be that of a question."""
_UNLIKELY = 0.02
"""The probability below which an answer is not in a language."""
_FEWEST_LETTERS = 24
_FEWEST_SIGNS = 8
"""Of scripts in which a sign is a word or a syllable."""

_NEUTRAL = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|\$[^$\n]+\$|\\[A-Za-z]+|https?://\S+|\S+@\S+|<[^>\n]{1,80}>", re.DOTALL)
_LETTERS = re.compile(r"[^\W\d_]")
_SIGNS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class LanguageCheck:
    """Every answer of a row is in ``language``, a code; None: in that of its question.

    Only an answer that is surely in another language is refused. One with little text beside numbers, code and formulas is accepted, and so
    is every answer to a question whose own language is not sure.
    """

    language: str | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> LanguageCheck:
        """Raises WrongSetting for an unknown language, or where the question's language is not that of its answer."""
        language, task = settings.get("answer_language"), TaskType(settings.get("data_generation_task_type", TaskType.CONVERSATION))
        if language is None and not task.answers_in_question_language:
            raise WrongSetting(
                f"compares the language of answer and question, and answers to {task.value} are in another one; name it with answer_language"
            )
        if language is not None and language not in LANGUAGES.split():
            raise WrongSetting(f"does not know {language!r} (answer_language); expected a code of ISO 639, of {' '.join(LANGUAGES.split())}")
        return cls(language)

    def examine(self, sample: Sample) -> None:
        """Raises CheckRefused."""
        for turn in sample.turns():
            answer = _words_of(turn.answer)
            if answer is None:
                continue
            wanted = self.language or _language_of(turn.question)
            if wanted is None:
                continue
            found, _ = _ranked(answer)[0]
            if found != _NO_LANGUAGE and _probability(answer, wanted) < _UNLIKELY:
                whose = "answer_language" if self.language else "that of the question"
                raise CheckRefused(reasons.OTHER_LANGUAGE, f"the answer looks like {found!r}, expected {wanted!r}, {whose}", turn.number)


def _language_of(question: str) -> str | None:
    words = _words_of(question)
    if words is None:
        return None
    code, _ = _ranked(words)[0]
    return code if code != _NO_LANGUAGE and _probability(words, code) >= _SURE else None


def _words_of(text: str) -> str | None:
    """The part of a text that has a language; None if it is too little to tell."""
    words = " ".join(_NEUTRAL.sub(" ", text[:_LOOKED_AT]).split())[:_LONGEST]
    enough = len(_LETTERS.findall(words)) >= _FEWEST_LETTERS or len(_SIGNS.findall(words)) >= _FEWEST_SIGNS
    return words if enough else None


def _probability(text: str, language: str) -> float:
    """That a text is in a language, or in one like it."""
    group = _GROUP.get(language, language)
    return sum(share for code, share in _ranked(text) if _GROUP.get(code, code) == group)


@lru_cache(maxsize=256)
def _ranked(text: str) -> list[tuple[str, float]]:
    return [(str(code), float(share)) for code, share in _identifier().rank(text)]


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    # late: keeps py3langid out of the start
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
