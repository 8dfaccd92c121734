"""The form that a row's own instructions ask for: one of the labels they list, a bare number, a letter; or none."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from transforms.elements.rows import ChatMessage
from transforms.prompts.label_lists import Label
from transforms.prompts.listed_labels import labels_in, labels_in_question, lettered_choices, numbered_choices, with_choices


class AnswerForm(NamedTuple):
    """``labels``: the answer is one of them. ``number``, ``letter``: it is only that. Without any of these the answer is free."""

    labels: tuple[Label, ...] = ()
    number: bool = False
    letter: bool = False


FREE = AnswerForm()


def form_asked_for(asked: tuple[ChatMessage, ...]) -> AnswerForm:
    """The answer's form according to the messages of a request.

    The system message counts. The last user message counts if there is no system message, and for labels if the system message lists none.
    """
    question = asked[-1].content
    own = asked[0].content if asked[0].role == "system" else None
    form = _own_form(asked)
    if not form.labels and (form.letter or form.number):
        numbered = asks_for_number_of_a_choice(own or question)
        form = form._replace(labels=numbered_choices(question) if numbered else lettered_choices(question) if form.letter else ())
    if form == FREE and own is not None:
        listed = labels_in_question(question)
        form = AnswerForm(listed) if listed and not (_asks_for_more(own[:_LONGEST]) or _asks_for_more(question[:_LONGEST])) else FREE
    return form._replace(labels=with_choices(form.labels, question)) if form.labels else form


def number_asked_for(asked: tuple[ChatMessage, ...]) -> bool:
    """Whether the answer is only a number, according to the messages of a request."""
    return _own_form(asked).number


def _own_form(asked: tuple[ChatMessage, ...]) -> AnswerForm:
    own = asked[0]
    return form_in(own.content) if own.role == "system" else _form_in_question(asked[-1].content)


def asks_for_number_of_a_choice(instructions: str) -> bool:
    """Whether instructions want the number of a choice."""
    return _NUMBER_OF_A_CHOICE.search(instructions) is not None


@lru_cache(maxsize=1024)
def form_in(instructions: str) -> AnswerForm:
    """The form that a system message asks for. If it asks for an explanation or a markup, the answer is free."""
    instructions = instructions[:_LONGEST]
    return _form(instructions, labels_in, for_all=True)


def _form_in_question(question: str) -> AnswerForm:
    """The form that a question asks for; its subject may also mention a number or a letter."""
    return _form(question[:_LONGEST], labels_in_question, for_all=False)


def _form(instructions: str, labels: Callable[[str], tuple[Label, ...]], for_all: bool) -> AnswerForm:
    number = letter = False
    for sentence in _sentences(instructions):
        wants_number, wants_letter = _NUMBER.search(sentence), _LETTER.search(sentence) and not _LETTER_AND.search(sentence)
        if (wants_number or wants_letter) and _is_the_whole_reply(sentence, for_all):
            number, letter = number or bool(wants_number), letter or bool(wants_letter)
    form = AnswerForm(labels(instructions), number, letter)
    return FREE if form != FREE and _asks_for_more(instructions) else form


_LONGEST = 20_000  # characters
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\n+")
_NUMBER = re.compile(
    r"\b(?:numbers?|integers?|numeral|numeric(?:al)?|digits?|figure|zahl|nombre|número|numero|числ\w+|getal)\b"
    r"|数字|数值|數字|숫자",
    re.IGNORECASE,
)
_LETTER = re.compile(r"\b(?:letters?|buchstaben?|lettre|letra|lettera|букв\w+)\b|字母", re.IGNORECASE)
_NUMBER_OF_A_CHOICE = re.compile(
    r"\b(?:number|digit|index) (?:of|for) (?:the |your )?(?:\w+ ){0,2}(?:options?|choices?|answers?|alternatives?)\b", re.IGNORECASE
)
_LETTER_AND = re.compile(
    r"\bletters?[\s-](?:and|with|followed by|plus)\b|\b(?:words|characters)\b|\bletters? (?:to|from) (?:the|a|your)\b", re.IGNORECASE
)
_ALONE = re.compile(
    r"\b(?:only|solely|just|alone|nothing (?:else|more)|exactly|single|bare|plain|without any|no (?:words|text|units?|explanation|other)"
    r"|nur|solo|sólo|seulement|uniquement|apenas|somente|soltanto|alleen|только)\b"
    r"|[只仅]|だけ|のみ|만(?=\s)",
    re.IGNORECASE,
)
_REPLY = r"(?:answer|reply|respond|response|output|return|give|provide[sd]?|write|print|state|report|say|produce|generate|submit)"
_REPLY_WITH = re.compile(
    rf"\b{_REPLY}(?:\s(?:me|us|back|the question|with|in|as|only|just|must|should|is|be|to be|will|your|final|the|answer|a|an|one)){{0,6}}\s"
    r"(?:a |an |the |one |your |its )?(?:\w+ ){0,3}?(?:number|integer|numeral|numeric(?:al)?|digits|letter)\b",
    re.IGNORECASE,
)
_ANSWER_IT_WITH = re.compile(
    r"^\W*(?:please\s|then\s|now\s)?answer (?:[\w'’-]+ ){1,8}?with (?:only |just |exactly )?(?:a |an |the |one |your |its )(?:\w+ )?"
    r"(?:number|integer|numeral|digit|letter)\b(?! of (?!the |your |its ))",
    re.IGNORECASE,
)
"""With the object in between: "Answer the question with one letter"."""
_ASKS = re.compile(rf"^\W*(?:please\s|then\s|now\s)?{_REPLY}\b", re.IGNORECASE)
_IN_QUOTES = re.compile(r"(?<!\w)'[^'\n]{1,60}'|\"[^\"\n]{1,60}\"|“[^”\n]{1,60}”|‘[^’\n]{1,60}’")
_MARKED = re.compile(
    r"####|\\?boxed|<\w+>|\bend (?:with|your)\b|\b(?:last|final) line\b|\bat the end\b|\b(?:always|usually|often)\b"
    r"|\bafter (?:your|the)\b|\ba number of\b|\b(?:and|with) (?:its |the |their )?units?\b|[\"'“]",
    re.IGNORECASE,
)
_PROSE = re.compile(r"\b(?:sentences?|paragraphs?)\b", re.IGNORECASE)
_MORE = re.compile(
    r"\b(?:explain\w*|explanations?|justif\w+|rationales?|reason(?:s|ing)?|step[- ]by[- ]step|steps|show (?:your|all|the) (?:work\w*|steps?)"
    r"|work(?:ings?)? out|derivation|elaborate|why|think (?:aloud|carefully|through)|calculations?|both the|and the text|letter and)\b",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"\b(?:json|xml|yaml|csv|html|latex)\b|\bkeys?\b|</?\w+>\s*(?:tags?|\.\.\.)", re.IGNORECASE)
_LIMITED = re.compile(
    r"\b(?:not|never|(?<!or )(?<!/)no(?! or\b)|without|only|avoid|omit|skip|nothing|don['’]t|do not|rather than|instead of"
    r"|ohne|keine?|sans|sin|без)\b"
    r"|n['’]t\b",
    re.IGNORECASE,
)


def _sentences(text: str) -> list[str]:
    return _SENTENCE_END.split(text)


def _asks_for_more(instructions: str) -> bool:
    return any(
        (_MORE.search(sentence) or _MARKUP.search(sentence)) and not _LIMITED.search(_IN_QUOTES.sub("", sentence))
        for sentence in _sentences(instructions)
    )


def _is_the_whole_reply(sentence: str, for_all: bool) -> bool:
    """Whether a sentence says that the reply is only this."""
    if _MARKED.search(sentence) or (_PROSE.search(sentence) and not _LIMITED.search(sentence)):
        return False
    alone = _ALONE.search(sentence) and (for_all or _ASKS.search(sentence))
    return bool(alone or _REPLY_WITH.search(sentence) or _ANSWER_IT_WITH.search(sentence))
