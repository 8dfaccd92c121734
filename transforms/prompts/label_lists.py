"""Every list of labels in a text, in the many ways to write such lists. ``listed_labels`` decides which of them counts.

A list counts only if the words around it ask for one of its members.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from transforms.prompts.coded_labels import coded_labels
from transforms.prompts.match_runs import runs

LONGEST_LABEL = 60


class Label(NamedTuple):
    """A label in the row's spelling, and its other names: the text after its letter, or the letter before its text."""

    name: str
    alias: str | None = None


class FoundList(NamedTuple):
    """A list, its certainty (2 if its members have quotes, bullets or a colon, 1 for bare words, 0 for phrases), and its place."""

    labels: tuple[Label, ...]
    weight: int
    start: int


def lists_in(text: str, is_question: bool) -> Iterator[FoundList]:
    """The lists in instructions, or in a question: there words of running text count in fewer places."""
    for kind in (_quoted, _bracketed, _itemized, _behind_a_colon, _lines_behind_a_colon, _coded, _phrases):
        yield from kind(text)
    yield from _bare_words(text, _BARE_IN_QUESTIONS if is_question else _BARE)


_CALLS_FOR_ONE = re.compile(
    r"\b(?:only|one of|either|must|labels?|choices?|options?|class(?:es)?|classif\w+|categor\w+|exactly|choose|select|pick|answer\w*"
    r"|respond|repl(?:y|ies)|response|outputs?|verdict|return|say|write|print|predict|assign|decide|determine|identify|tags?|intents?"
    r"|sentiments?|emotions?|topics?|possible|allowed|valid|between|following"
    r"|respond[ae]\w*|antwort\w*|répond\w*|rispond\w*|antwoord\w*|elig[ea]|wähl\w*|choisi\w*|sceg\w*|escolh\w*|ответ\w*|выбер\w*"
    r"|nur|s[oó]lo|seulement|uniquement|ausschließlich|soltanto|только)\b"
    r"|[只仅選选答]|之一|输出|輸出|标签|標籤|类别|分类|判断",
    re.IGNORECASE,
)
_NOT_A_CHOICE = re.compile(
    r"\b(?:not|never|avoid|without|except|such as|for example|for instance|e\.g|(?<!exactly )like|including|instead of|ignore|keys?|fields?"
    r"|columns?|called|named|format)\b|n['’]t\b",
    re.IGNORECASE,
)
_SENTENCE_BREAK = re.compile(r"[.!?]\s|\n\s{0,3}\n")


def _lead(text: str, start: int) -> str:
    """The words of the sentence before a list."""
    before = text[max(0, start - 200) : start].rstrip(" \t\n*•-–([{\"'`“‘")
    return re.split(r"(?<!e\.g)(?<!i\.e)[.!?]\s|\n\s{0,3}\n", before)[-1]


def _behind(text: str, end: int) -> str:
    return _SENTENCE_BREAK.split(text[end : end + 120] + " ")[0]


def _calls(text: str, start: int, end: int) -> bool:
    lead = _lead(text, start)
    if _NOT_A_CHOICE.search(lead[-60:]):
        return False
    return bool(_CALLS_FOR_ONE.search(lead) or _CALLS_BEHIND.search(_behind(text, end)))


_CALLS_BEHIND = re.compile(
    r"^[\"'”’`)\]}.\s]*(?:only|exactly|are the only|are the (?:labels|options|choices|classes)|nothing else)\b"
    r"|^\W*(?:で[答回]|之一|中[选選])",
    re.IGNORECASE,
)


# Quotes, asterisks, backticks: 'a', 'b' or 'c'; also with glosses between them


_QUOTED = re.compile(
    r"(?<![\w'])'([^'\n]{1,60}(?:'[a-z]{1,2}\b[^'\n]{0,40})?)'(?!\w)|\"([^\"\n]{1,60})\"|“([^”\n]{1,60})”|‘([^’\n]{1,60})’|`([^`\n]{1,60})`"
    r"|\*\*([^*\n]{1,60})\*\*|«\s?([^»\n]{1,60})\s?»|[「『]([^」』\n]{1,60})[」』]|<([A-Za-z][\w -]{0,40})>"
)
_OR = r"(?:and|or|&|oder|ou|o|und|или|либо|y|et|veya|或者?|和|か|または)"
_GLOSS = (
    r"(?:[;,]?\s{0,3}(?:\([^()\n]{1,160}\)|(?:[:=]|[-–—]|->|→|if|else|otherwise|when|where|for|means?"
    r"|indicat\w+|meaning|stands for)\s[^\"'`“‘\n]{1,160}?))?"
)
_BETWEEN = re.compile(rf"{_GLOSS}[.]?\s{{0,3}}[\s,;/|*•\-0-9.)、，；]{{0,8}}(?:{_OR}\s{{0,3}})?", re.IGNORECASE)


def _quoted(text: str) -> Iterator[FoundList]:
    quoted = (match for match in _QUOTED.finditer(text) if not _is_key(text, match))
    for run in runs(quoted, partial(_joined, text)):
        if _calls(text, run[0].start(), run[-1].end()):
            yield FoundList(tuple(dict.fromkeys(Label(_inner(match)) for match in run)), 2, run[0].start())


def _joined(text: str, one: re.Match[str], other: re.Match[str]) -> bool:
    if other.start() - one.end() > 200 or one.lastindex != other.lastindex:
        return False
    between = text[one.end() : other.start()]
    return bool(between.strip() or "\n" in between) and _BETWEEN.fullmatch(between) is not None


def _is_key(text: str, quoted: re.Match[str]) -> bool:
    """Whether a quoted word is the key of a JSON object."""
    return text[quoted.end() : quoted.end() + 2].lstrip()[:1] == ":" and text.rfind("{", 0, quoted.start()) > text.rfind("}", 0, quoted.start())


def _inner(match: re.Match[str]) -> str:
    return match[match.lastindex or 0].strip().rstrip(",.;:").strip()


# Brackets: ["a", "b"], [a, b, c], {a|b}, (a/b/c)


_BRACKETS = re.compile(r"\[([^\[\]\n]{3,2000})\]|\{([^{}\n]{3,500})\}|\(([^()\n]{3,500})\)|<([^<>\n]{3,500})>")
_WORDS = re.compile(r"\w[\w '’&.+#/-]{0,59}")


def _bracketed(text: str) -> Iterator[FoundList]:
    for found in _BRACKETS.finditer(text):
        if not _calls(text, found.start(), found.end()):
            continue
        inside = found[found.lastindex or 0]
        if found[0][0] == "[":
            try:
                listed = json.loads(found[0].replace("'", '"'))
            except ValueError:
                listed = None
            if isinstance(listed, list) and all(isinstance(item, (str, int)) for item in listed):
                yield FoundList(tuple(dict.fromkeys(Label(str(item).strip()) for item in listed)), 2, found.start())
                continue
        items = _items(inside)
        if items and (found[0][0] != "(" or re.search(r"[/|]|\bor\b", inside)):
            yield FoundList(items, 2, found.start())


def _items(text: str, most_words: int = 5) -> tuple[Label, ...]:
    """The members of a list, or none if one of them is not a label."""
    separator = next((sign for sign in ";|,、，/" if sign in text), ",")
    splits = (
        rf"\s{{0,3}}[{separator}]\s{{0,3}}(?:(?:and|or)\s{{1,3}})?|\s{{1,3}}(?:or|and|oder|ou|o|или|либо|veya|eller|또는|혹은)\s{{1,3}}|或者?"
    )
    parts = [part.strip().strip("\"'`*“”‘’.") for part in re.split(splits, text)]
    if len(parts) < 2 or not all(_WORDS.fullmatch(part) and len(part.split()) <= most_words for part in parts):
        return ()
    return tuple(dict.fromkeys(Label(part) for part in parts))


# Items on separate lines: bullets, numbers


_ITEM = re.compile(r"^[ \t]{0,8}(?:([-*•‣–])|\(?([0-9]{1,3})[).:])[ \t]{1,4}(\S[^\n]{0,300})$", re.MULTILINE)
_ITEM_GLOSS = re.compile(r"\s{0,3}(?::\s|\s[-–—]\s|\s\(|\s=\s|\s->\s).*", re.DOTALL)


def _itemized(text: str) -> Iterator[FoundList]:
    for run in runs(_ITEM.finditer(text), lambda one, other: other.start() - one.end() <= 2 and bool(one[1]) == bool(other[1])):
        lead = _lead_line(text, run[0].start())
        if _CALLS_FOR_ONE.search(lead) and not _NOT_A_CHOICE.search(lead) and not _SAMPLES.search(lead):
            yield FoundList(_item_labels(run, text), 2, run[0].start())


def _lead_line(text: str, start: int) -> str:
    before = text[max(0, start - 300) : start].rstrip()
    line = before.rpartition("\n")[2]
    return line if line.rstrip("* ").endswith((":", "：")) or _LIST_FOLLOWS.search(line) else ""


_LIST_FOLLOWS = re.compile(r"\b(?:following|below|labels|options|choices|classes|categories|one of)\b", re.IGNORECASE)


def _item_labels(run: list[re.Match[str]], text: str) -> tuple[Label, ...]:
    names = []
    for item in run:
        quoted = _QUOTED.match(item[3])
        names.append(_inner(quoted) if quoted is not None else _ITEM_GLOSS.sub("", item[3]).strip().strip("*`").rstrip(",;."))
    if not all(0 < len(name) <= LONGEST_LABEL and len(name.split()) <= 6 for name in names):
        return ()
    if run[0][2] and re.search(r"\b(?:the|a|its) (?:number|digit|index)\b", text, re.IGNORECASE):
        return tuple(Label(item[2], name) for item, name in zip(run, names, strict=True))
    return tuple(Label(name) for name in names)


# Codes with their meanings: 0 = negative, 1 = positive


def _coded(text: str) -> Iterator[FoundList]:
    for named, start, end in coded_labels(text):
        if _calls(text, start, end) or _ONLY_THE_CODE.search(text, end, end + 100):
            yield FoundList(tuple(Label(name, meaning) for name, meaning in named), 1, start)


_ONLY_THE_CODE = re.compile(r"\bonly (?:the|that|with the|one) (?:number|digit|letter|label|code|class)\b", re.IGNORECASE)


# A colon, or words that ask for one of the next words


_COLON = re.compile(
    r"\b(?:labels?|options?|choices?|classes|categories|answers?|values?|tags|intents|sentiments?|emotions?|topics|one of|following|into"
    r"|exactly|either|as follows|only with|with only|just with|(?:intent|label|category|class|topic|tag) names?)"
    r"(?:\s(?:are|is|one|words?|labels?|options?|choices?|classes|categories|values?|of|the|these|only|answers?|two|three|four|five|six)){0,5}"
    r"(?:\s?\([^()\n]{1,30}\))?(?:\s?[:：]|\s[-–—]\s)\s{0,3}([^\n:.!?]{3,600})(?=[.!?\n]|$)",
    re.IGNORECASE,
)


_CHINESE_COLON = re.compile(
    r"(?:之一|(?:分类|归类|分)[为成]|标签|標籤|类别|選項|选项|以下|[只仅](?:能)?(?:回答|输出)|いずれか[^\n:：]{0,12})[：:]\s{0,3}([^\n:：。！？.]{3,600})"
)
_ASKED_COLON = re.compile(
    r"\b(?:(select|choose|pick)(?:\s(?:one|exactly|only|from|of|the|these|following|label|option))*"
    r"|(?:respond|reply|answer|output|return)(?:\s(?:only|with|just|either|exactly|one|format|of|word))*"
    r"|relation(?:ship)?|stance|polarity|verdict)\s?[:：]\s{0,3}([^\n:.!?]{3,400})(?=[.!?\n]|$)",
    re.IGNORECASE,
)
"""Weaker words than those of _COLON: what follows must look like labels."""


def _behind_a_colon(text: str) -> Iterator[FoundList]:
    for found in (*_COLON.finditer(text), *_CHINESE_COLON.finditer(text)):
        if not _NOT_A_CHOICE.search(_lead(text, found.start())[-40:]):
            yield FoundList(_items(_NOTHING_ELSE.sub("", found[1])), 2, found.start())
    for found in _ASKED_COLON.finditer(text):
        listed = _items(_NOTHING_ELSE.sub("", found[2]), most_words=3)
        are_labels = len(listed) > 2 or any(_IS_KNOWN.fullmatch(label.name) for label in listed)
        if are_labels and (found[1] or _OFFERS_ONE.search(found[2])) and not any(_PAIRS_OF_WORDS.search(label.name) for label in listed):
            yield FoundList(listed, 1, found.start())


_OFFERS_ONE = re.compile(r"\bor\b|[/|]")
_LINES = re.compile(
    r"\b(?:labels|options|choices|classes|categories|topics|tags|intents|emotions|answers)\b[^\n:]{0,40}:[ \t]*\n"
    r"((?:[ \t]*\w[\w '/&+-]{0,39}[ \t]*\n){2,60})",
    re.IGNORECASE,
)

_SAMPLES = re.compile(r"\b(?:samples?|examples?|previous|earlier)\b", re.IGNORECASE)


def _lines_behind_a_colon(text: str) -> Iterator[FoundList]:
    for found in _LINES.finditer(f"{text}\n"):
        names = [line.strip() for line in found[1].splitlines()]
        lead = f"{_lead(text, found.start())[-40:]} {found[0].splitlines()[0]}"
        if all(len(name.split()) <= 4 for name in names) and not _NOT_A_CHOICE.search(lead) and not _SAMPLES.search(lead):
            yield FoundList(tuple(dict.fromkeys(map(Label, names))), 2, found.start())


_NOTHING_ELSE = re.compile(r"[,\s(]*\b(?:only|and nothing else|nothing else|without|with no|please)\b.*$", re.IGNORECASE)

_TOKEN = r"[\w][\w'’+-]{0,39}"
_COMMA, _SLASH = r"\s{0,3},\s{0,3}(?:(?:or|and)\s{1,3})?", r"\s{0,3}[/|]\s{0,3}"


def _series(item: str, last: str = "or") -> str:
    """A pattern for ``a, b or c``, and for ``a/b/c``."""
    return rf"({item}(?:{_COMMA}{item}){{0,60}}\s{{0,3}},?\s{{1,3}}{last}\s{{1,3}}{item}|{item}(?:{_SLASH}{item}){{1,60}})"


_SERIES, _AND_SERIES = _series(_TOKEN), _series(_TOKEN, "and")
_KNOWN = (
    "yes|no|true|false|maybe|unknown|positive|negative|neutral|mixed|entailment|contradiction|spam|ham|correct|incorrect|right|wrong|good|bad"
    "|real|fake|relevant|irrelevant|toxic|safe|unsafe|support\\w*|refut\\w*|agree|disagree|acceptable|unacceptable|duplicate|equivalent|sarcastic|subjective|objective|formal|informal|hateful"
    "|offensive|neither|[A-Z]|[0-9]"
)
_KNOWN_SERIES = _series(f"(?:{_KNOWN})")
_IS_KNOWN = re.compile(_KNOWN, re.IGNORECASE)
_ELSEWHERE = (
    r"ja|nein|oui|non|sí|si|no|да|нет|sim|não|wahr|falsch|richtig|vrai|faux|verdadero|falso|vero"
    r"|positiv\w*|negativ\w*|neutr\w*|positif|négatif"
)
_VERBS = (
    r"(?:answer|repl(?:y|ies)|respond|output|return|say|write|print|choose|select|pick|classif\w+|label|categori[sz]e|tag|mark|judge|rate"
    r"|predict|fill)"
)
_NAME_OF_LABELS = r"(?:(?:label|choice|option|class|categor|topic|tag|intent|emotion|sentiment|value|relation)(?:s|es|ies)?\s)?"
_CAPITALS = r"[A-Z][A-Z0-9]+(?:[ _-][A-Z0-9]+){0,4}"
_SENTENCE_ENDS = r"(?=[.;!?)]|\s{0,3}$|\s{0,3}\n)"
_BARE_IN_QUESTIONS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:{_VERBS}|is|be|either|whether|only)\b[\s:(,]{{1,4}}(?:only\s|just\s|either\s|with\s|exactly\s){{0,3}}{_KNOWN_SERIES}"
        r"(?=[\s.,;:!?)]|$)",
        rf"\bone of\s{{1,3}}(?:the\s)?(?:following\s)?{_NAME_OF_LABELS}\(?{_SERIES}(?=\W|$)",
        rf"[(\[]\s{{0,3}}{_KNOWN_SERIES}\s{{0,3}}[)\]]",
        rf"(?:^|[.:\n]\s{{0,3}}){_KNOWN_SERIES}\s{{0,3}}\?",
    )
)
_BARE = (
    *_BARE_IN_QUESTIONS,
    re.compile(
        rf"\b{_VERBS}\b(?:\s[\w'’\"-]+){{0,8}}?\s(?:as|with|into|either|between|exactly|only|just)\s{{1,3}}"
        rf"(?:only|just|either|one of|exactly|being)?\s{{0,3}}{_SERIES}(?=\W|$)",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?:labels|options|choices|classes|categories|answers|between)\s(?:are\s)?{_AND_SERIES}{_SENTENCE_ENDS}", re.IGNORECASE),
    re.compile(
        r"\b(?:nur|mit|par|uniquement|seulement|s[oó]lo|solamente|con|com|apenas|somente|soltanto|только|alleen|met)\s"
        + _series(f"(?:{_ELSEWHERE})", f"{_OR}")
        + r"(?=\W|$)",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:klassifizier\w*|einordne\w*|clasifi\w+|classifi\w+|classe[rz]?|categori\w+)\b[^.\n]{0,60}?\s(?:als|como|comme|come)\s"
        + _series(_TOKEN, _OR)
        + r"(?=\W|$)",
        re.IGNORECASE,
    ),
    re.compile(rf"(?:^|\s)((?:{_TOKEN}\s?,\s?){{1,60}}{_TOKEN})\s중\s?(?:하나|에서)"),
    re.compile(r"(?:^|\s)((?:\w{1,12},\s?){0,20}\w{1,12}\s(?:또는|혹은)\s\w{1,12}?)(?:으로|로)\s?(?:분류|답|대답)"),
    re.compile(
        r"[只仅](?:能)?(?:回答|输出|返回|选择)((?:[^\s、，。或：:]{1,10}、){0,20}[^\s、，。或：:]{1,10}(?:或者?)[^\s、，。或：:]{1,10})(?=[。，\n]|$)"
    ),
    re.compile(r"(?:^|[をはが。\s])((?:[^\s、。をは]{1,12}、){1,20}[^\s、。をは]{1,12})のいずれか"),
    re.compile(rf"[从從]\s?({_TOKEN}?(?:\s?[、，,]\s?{_TOKEN}?){{1,60}}(?:[或和]{_TOKEN}?)?)\s?[中裡里][选選挑]"),
    re.compile(rf"\b(?:(?i:{_VERBS}|with|as|only|either|is|be)\s){_series(_CAPITALS)}{_SENTENCE_ENDS}"),
)
_RANGE = re.compile(r"\b(?i:letters?|choices?|options?|answers?)\b[^.\n]{0,40}?\(?['\"]?\b([A-Z])['\"]?\s?(?:-|–|to|through)\s?['\"]?([A-Z])\b")


_PHRASE = r"[\w'’-]+(?:\s[\w'’-]+){0,3}"
_PHRASES = re.compile(
    rf"\b(?:is|as|be|with|into|either)\s({_PHRASE}(?:\s?,\s?{_PHRASE}){{1,20}},?\sor\s{_PHRASE})(?=[.;!?)\n]|$)", re.IGNORECASE
)


def _phrases(text: str) -> Iterator[FoundList]:
    """``true, mostly true or false``: labels of several words only if known ones are among them."""
    for found in _PHRASES.finditer(text):
        listed = _items(_NOTHING_ELSE.sub("", found[1]))
        known = [label for label in listed if _IS_KNOWN.fullmatch(label.name.split()[-1])]
        if len(known) > 1 and not listed[0].name.startswith("one of ") and _calls(text, found.start(), found.end()):
            yield FoundList(listed, 0, found.start())


def _bare_words(text: str, patterns: tuple[re.Pattern[str], ...]) -> Iterator[FoundList]:
    for pattern in patterns:
        for found in pattern.finditer(text):
            if _NOT_A_CHOICE.search(_lead(text, found.start())[-40:]) or _PAIRS_OF_WORDS.search(found[1]):
                continue
            yield FoundList(_items(found[1]), 1, found.start())
    for found in _RANGE.finditer(text):
        if found[1] < found[2]:
            yield FoundList(tuple(Label(chr(code)) for code in range(ord(found[1]), ord(found[2]) + 1)), 1, found.start())


_PAIRS_OF_WORDS = re.compile(
    r"\b(?:and/or|he/she|his/her|him/her|word or phrase|less or more|more or less|input/output)\b|^(?:an|the|your|one|it)\b|^a\s",
    re.IGNORECASE,
)
