"""Which of the listed labels an answer names: exactly one, or it is a reject."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from transforms.elements import reasons
from transforms.prompts.base import AnswerRejected
from transforms.prompts.label_doubts import doubt_of
from transforms.prompts.label_lists import Label
from transforms.prompts.other_case import letters_in_other_case

_LONGEST_LOOKED_AT = 4_000
"""Characters of an answer that are searched for labels; a longer one names a label only at its start."""

_MOST_MENTIONS = 60

_COMMON = frozenset(
    ["no", "none", "other", "not", "true", "false", "maybe", "same", "good", "bad", "right", "left", "correct", "incorrect", "wrong", "like"]
    + ["high", "low", "all", "both", "yes", "one", "two", "three", "unknown", "unclear", "real", "related", "normal", "general", "safe"]
)
"""Labels that are common words: in running text they do not count."""

_MARKUP = re.compile(
    r"[*`~]{1,3}|(?<!\w)_{1,2}(?=\S)|(?<=\S)_{1,2}(?!\w)|</?[A-Za-z_]{1,20}>|\\(?:f?boxed|text\w{0,2}|mathrm|mathbf)\{|\\[()\[\]]|[{}$]|^#{1,4}\s|^>\s",
    re.MULTILINE,
)
_STATED = (
    r"(?:answer|label|choice|option|letter|verdict|result|class|category|prediction|classification|relationship|relation|sentiment|output"
    r"|response|conclusion|judg\w*|decision|intent|emotion|topic|is|it['’]s|c['’]est|be|as|say|choose|pick|select|think|go with"
    r"|therefore|so|thus|hence"
    r"|respuesta|réponse|antwort|resposta|risposta|jawaban(?:nya)?|letra|lettre|buchstabe|opci[oó]n|opção|opzione)"
)


_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|\n")


class _Mention(NamedTuple):
    """Where a text contains a label: ``stated`` unless it is a common word in running text; ``is_text``: a choice's text, not its letter."""

    name: str
    start: int
    end: int
    stated: bool
    is_text: bool = False


def named_label(answer: str, labels: tuple[Label, ...]) -> str:
    """The label that an answer names, in the row's spelling. Raises AnswerRejected if it names none or several, or is uncertain."""
    whole = _whole(answer, labels)
    if whole is not None:
        return whole
    text = _plain(answer[:_LONGEST_LOOKED_AT])
    found = list(islice(_mentions(text, labels), _MOST_MENTIONS))
    if not any(mention.stated and len(mention.name) == 1 for mention in found):
        names_of_one = frozenset(label.name for label in labels if len(label.name) == 1)
        found += [_Mention(*letter, stated=True) for letter in letters_in_other_case(text, names_of_one)]
    mentions = _letters_first(_with_joined(text, found))
    names = {mention.name for mention in mentions if mention.stated}
    if len(names) > 1 or (not names and len({mention.name for mention in mentions}) > 1):
        named = sorted({mention.name for mention in mentions})
        raise AnswerRejected(reasons.SEVERAL_LABELS, f"the answer names {_quoted(named)}; expected one of {_listed(labels)}: {answer[:80]!r}")
    if not names:
        raise AnswerRejected(
            reasons.LABEL_NOT_LISTED, f"the answer names none of the labels that the row lists ({_listed(labels)}): {answer[:80]!r}"
        )
    words = _without_mentions(text, mentions)
    for mention in mentions:
        longer = _longer_name(text, mention, labels) if mention.stated else None
        if longer is not None:
            raise AnswerRejected(
                reasons.SEVERAL_LABELS, f"the answer may mean {mention.name!r} or {longer!r}; expected one of {_listed(labels)}: {answer[:80]!r}"
            )
        doubt = _doubt(words, mention) if mention.stated else None
        if doubt is not None:
            raise AnswerRejected(
                reasons.LABEL_NOT_LISTED,
                f"the answer names {mention.name!r} beside {doubt!r}, so it is not surely one of {_listed(labels)}: {answer[:80]!r}",
            )
    return names.pop()


_JOINED = re.compile(r"\s*(?:[/|&+]|\b(?:and|or|und|oder|et|ou)\b)\s*", re.IGNORECASE)


def _with_joined(text: str, found: list[_Mention]) -> list[_Mention]:
    """A common word counts if it is joined to a label that counts: ``joy/love`` names two."""
    placed = sorted(found, key=lambda mention: mention.start)
    for place, (one, other) in enumerate(zip(placed, placed[1:], strict=False)):
        if one.stated != other.stated and not (one.is_text or other.is_text) and _JOINED.fullmatch(text[one.end : other.start]):
            placed[place], placed[place + 1] = one._replace(stated=True), other._replace(stated=True)
    return placed


def _longer_name(text: str, mention: _Mention, labels: tuple[Label, ...]) -> str | None:
    """Another label whose first words come after this one: "disagree strongly" if "strongly disagree" is a label too."""
    for label in labels:
        first, _, last = label.name.rpartition(" ")
        behind = text[mention.end :].lstrip(" ,(").casefold()
        if first and last.casefold() == mention.name.casefold() and re.match(rf"{re.escape(first.casefold())}(?!\w)", behind):
            return None if first.casefold() in ("not", "no", "non") else label.name
    return None


def _letters_first(mentions: list[_Mention]) -> list[_Mention]:
    """If a letter is stated, the texts of choices count only directly after one: elsewhere an explanation may mention any of them."""
    letters = [mention for mention in mentions if mention.stated and not mention.is_text]
    if not letters:
        return mentions
    behind = {letter.end + gap for letter in letters for gap in range(_LETTER_TO_TEXT)}
    return [mention._replace(stated=mention.stated or mention.is_text) for mention in mentions if not mention.is_text or mention.start in behind]


_LETTER_TO_TEXT = 8
"""Characters between a letter and its text, including an article."""


def _without_mentions(text: str, mentions: list[_Mention]) -> str:
    """The text with other letters in place of the labels in it: the words of "D) None of the above" do not negate D."""
    for mention in mentions:
        if mention.is_text:
            text = f"{text[: mention.start]}{'x' * (mention.end - mention.start)}{text[mention.end :]}"
    return text


def _doubt(text: str, mention: _Mention) -> str | None:
    """The words of its sentence around a label that negate it or make it uncertain."""
    sentence_from = max((found.end() for found in _SENTENCE_END.finditer(text, 0, mention.start)), default=0)
    behind = _SENTENCE_END.search(text, mention.end)
    return doubt_of(text[sentence_from : mention.start], text[mention.end : behind.end() if behind is not None else len(text)])


def _listed(labels: tuple[Label, ...]) -> str:
    more = f" and {len(labels) - 8} more" if len(labels) > 8 else ""
    return _quoted([label.name for label in labels[:8]]) + more


def _quoted(names: list[str]) -> str:
    return ", ".join(map(repr, names))


# The whole answer is a label


_EDGES = " \t\r\n\"'`*“”‘’«»()[]{}<>.,;:!|#-–—_$"


def _whole(answer: str, labels: tuple[Label, ...]) -> str | None:
    names = [label.name for label in labels]
    text = answer.strip()
    if text in names:
        return text
    if _NEGATIVE.match(text):
        return None
    text = text if text.isascii() else text.translate(_FULL_WIDTH)
    if text.startswith(("{", "[")) and len(text) <= _LONGEST_LOOKED_AT:
        inside = _in_json(text)
        if inside is not None:
            return _alike(inside, labels)
    if len(text) > 200:
        return None
    return _alike(text, labels)


_NEGATIVE = re.compile(r"[\"'`*(\[]*[-−–][0-9]")
_LETTERS_ALONE = re.compile(r"\W*[A-Z](?:\W+(?:and\W+|or\W+|to\W+)?[A-Z])+\W*")


def _alike(text: str, labels: tuple[Label, ...]) -> str | None:
    """The one label that a text equals, ignoring case, wrapping, and the characters between its words."""
    for reading in (text.casefold(), _compact(text)):
        found = {label.name for label in labels if reading in (label.name.casefold(), _compact(label.name))}
        if not found:
            found = {label.name for label in labels if label.alias is not None and reading in (label.alias.casefold(), _compact(label.alias))}
        if len(found) == 1:
            return found.pop()
    return None


@lru_cache(maxsize=4096)
def _compact(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", text.strip(_EDGES)).casefold()


def _in_json(text: str) -> str | None:
    """The one text in a JSON object or list."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    while isinstance(value, (dict, list)) and len(value) == 1:
        value = next(iter(value.values())) if isinstance(value, dict) else value[0]
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else None


# Labels in running text


def _plain(text: str) -> str:
    return _MARKUP.sub("", text if text.isascii() else text.translate(_FULL_WIDTH)).strip()


def _mentions(text: str, labels: tuple[Label, ...]) -> Iterator[_Mention]:
    """Every place where a text contains a label. Longer labels first, so that none is found inside another."""
    taken: list[tuple[int, int]] = []
    only_letters = _LETTERS_ALONE.fullmatch(text) is not None
    for name, pattern, everyday, is_text in _patterns(labels):
        for found in pattern.finditer(text):
            start, end = found.span(1)
            if not any(start < last and first < end for first, last in taken):
                taken.append((start, end))
                yield _Mention(name, start, end, only_letters or not everyday or _is_stated(text, start, end, len(name) == 1), is_text)


@lru_cache(maxsize=256)
def _patterns(labels: tuple[Label, ...]) -> tuple[tuple[str, re.Pattern[str], bool, bool], ...]:
    spellings = [(label.name, label.name, False) for label in labels]
    spellings += [
        (label.name, label.alias, len(label.name) == 1 or label.name.isdigit())
        for label in labels
        if label.alias is not None and len(label.alias) > 3
    ]
    made = []
    for name, spelling, is_text in sorted(spellings, key=lambda each: -len(each[1])):
        words = r"[\s_-]+".join(re.escape(word) for word in re.split(r"[\s_-]+", spelling) if word)
        letter = len(spelling) == 1
        spaced = not any(sign > _FIRST_WITHOUT_SPACES for sign in spelling)
        pattern = (
            rf"(?<!{_LETTER_OF_WORD})(?<!-)(?<![0-9][.,])({words})(?!{_LETTER_OF_WORD}|-\w|[.,][0-9]){_NOT_ELIDED if letter else ''}"
            if spaced
            else f"({words})"
        )
        everyday = is_text or (spaced and (len(spelling) <= 3 or spelling.casefold() in _COMMON))
        made.append((name, re.compile(pattern, 0 if letter else re.IGNORECASE), everyday, is_text))
    return tuple(made)


_FIRST_WITHOUT_SPACES = "\u2e80"  # Chinese and Japanese, which put no spaces between words, and what comes after them
_LETTER_OF_WORD = r"[^\W\u2e80-\U0010ffff]"
_NOT_ELIDED = r"(?!['’](?!s\b)[^\W\d_])"
"""A letter before an apostrophe is a part of the next word in many languages (c'est, d'accord); "B's right" is not."""
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {ord("。"): ord("."), ord("、"): ord(","), ord("\u3000"): ord(" ")}

_BEHIND_STATED = re.compile(r"\s*(?:$|\n|[.,;:!)\]\"'”’]|[-–—]\s|\(|\b(?:because|since|as|for|given|due)\b)", re.IGNORECASE)
_BEHIND_LETTER = re.compile(r"[).:]\s|\s+is\s+(?:the\s+|clearly\s+)?(?:correct|right|best|answer|most likely)\b")
_BEFORE_STATED = re.compile(
    rf"(?:^|\n|\b{_STATED}\s*(?:correct\w*|corret[ta]\w*|juste|exacte?)?\s*"
    r"(?:is|are|was|would be|should be|es|est|ist|é|è|adalah|[:=]|->|→|-)?"
    r"\s*(?:clearly|definitely|therefore|thus|then|option|choice|letter|answer|label|the|a|just|simply|la|el|le|die|der|il|o)?\s*[:]?|[.!?;:]\s+(?:so,?\s+)?|,\s+|[\"'“‘(\[]"
    r"|(?:答案|应该?|選|选)?(?:[选選]项?|項|[是为為は:])|\b(?:definitely|clearly|surely|certainly|obviously|absolutely|undoubtedly))\s*[\"'“‘(\[]*(?:(?:an?|the)\s+)?$",
    re.IGNORECASE,
)
_BEFORE_LETTER = re.compile(r"(?:^|[\n(,;/|]|\band\s|\bor\s)\s*\(?$")


def _is_stated(text: str, start: int, end: int, letter: bool) -> bool:
    """Whether a common word is in an answer's position: alone, after a colon or an "is", in quotes, at the beginning."""
    before, after = text[max(0, start - 60) : start], text[end : end + 20]
    if letter and _BEHIND_LETTER.match(after) and (_BEFORE_LETTER.search(before) or _BEFORE_STATED.search(before)):
        return True
    return _BEHIND_STATED.match(after) is not None and _BEFORE_STATED.search(before) is not None
