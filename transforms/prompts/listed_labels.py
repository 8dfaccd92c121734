"""The labels that a row's own instructions list as the only answers, in the many ways to write such lists.

A list counts only if the words around it ask for one of its members. If instructions have two different lists, neither counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

MOST_LABELS = 200
LONGEST_LABEL = 60
_LONGEST_INSTRUCTIONS = 20_000


class Label(NamedTuple):
    """A label in the row's spelling, and its other names: the text after its letter, or the letter before its text."""

    name: str
    alias: str | None = None


class _Found(NamedTuple):
    """A list, its certainty (2 if its members have quotes, bullets or a colon, 1 for bare words), and its place."""

    labels: tuple[Label, ...]
    weight: int
    start: int


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


@lru_cache(maxsize=1024)
def labels_in(instructions: str) -> tuple[Label, ...]:
    """The labels that instructions list; empty if they list none, or different ones."""
    text = instructions[:_LONGEST_INSTRUCTIONS]
    lettered = [_Found(lettered_choices(text), 2, 0)] if _OFFERS_CHOICES.search(text) else []
    return _surest([*lettered, *_lists_in(text, _BARE)])


def labels_in_question(question: str) -> tuple[Label, ...]:
    """The labels that a question lists: only if it clearly asks for one of them."""
    text = question[:_LONGEST_QUESTION]
    if not _PLAINLY_ASKS.search(text):
        return ()
    return _surest([one for one in _lists_in(text, _BARE_IN_QUESTIONS) if _PLAINLY_ASKS.search(text, max(0, one.start - 150), one.start + 40)])


_OFFERS_CHOICES = re.compile(r"\b(?:options?|choices?|one of|letter|choose|select|pick)\b", re.IGNORECASE)
_LONGEST_QUESTION = 6_000
_PLAINLY_ASKS = re.compile(
    r"\b(?:one of the|one of these|labels?|labell?ed|classify|categori[sz]e|options|choices"
    r"|(?:answer|respond|reply) (?:with|only|either|yes|true)|(?:answer|output) (?:must|should)|output only|exactly one)\b"
    r"|\b(?:yes/no|true/false|yes or no|true or false)\b",
    re.IGNORECASE,
)


def _lists_in(text: str, bare: tuple[re.Pattern[str], ...]) -> Iterator[_Found]:
    for kind in (_quoted, _bracketed, _itemized, _behind_a_colon):
        yield from kind(text)
    yield from _bare_words(text, bare)


def _surest(found: list[_Found]) -> tuple[Label, ...]:
    found = [one for one in found if 2 <= len(one.labels) <= MOST_LABELS]
    surest = max((one.weight for one in found), default=0)
    kinds = {frozenset(label.name.casefold() for label in one.labels): one for one in reversed(found) if one.weight == surest}
    return next(iter(kinds.values())).labels if len(kinds) == 1 else ()


def lettered_choices(question: str) -> tuple[Label, ...]:
    """The choices of a question that have letters, A first and in order: each letter with its text."""
    return _choices_from("[A-Z]", lambda name: ord(name) - ord("A"), question)


def numbered_choices(question: str) -> tuple[Label, ...]:
    """The choices of a question that have numbers, 1 first and in order: each number with its text."""
    return _choices_from("[1-9][0-9]?", lambda name: int(name) - 1, question)


def with_choices(labels: tuple[Label, ...], question: str) -> tuple[Label, ...]:
    """Labels that are letters or digits, each with its text in the question; others unchanged."""
    if len(labels) < 2 or any(len(label.name) != 1 or not label.name.isalnum() or label.alias is not None for label in labels):
        return labels
    found = [_choice(mark) for mark in _marked("|".join(re.escape(label.name) for label in labels)).finditer(question)][-len(labels) :]
    texts = {choice.alias.casefold() for choice in found if choice.alias is not None}
    return tuple(found) if [choice.name for choice in found] == [label.name for label in labels] and len(texts) == len(found) else labels


def _choices_from(names: str, place: Callable[[str], int], question: str) -> tuple[Label, ...]:
    choices: list[Label] = []
    for choice in map(_choice, _marked(names).finditer(question[-_LONGEST_INSTRUCTIONS:])):
        if place(choice.name) == len(choices):
            choices.append(choice)
        elif place(choice.name) == 0:
            choices = [choice]
    return tuple(choices) if len(choices) > 1 else ()


def _choice(mark: re.Match[str]) -> Label:
    name = next(group for group in mark.groups()[:-1] if group)
    return Label(name, mark[mark.re.groups].strip(" \t\r\n,;.*") or None)


@lru_cache(maxsize=64)
def _marked(names: str) -> re.Pattern[str]:
    """A choice from its letter or digit up to the next: its name in one of several groups, its text in the last."""
    return re.compile(rf"(?:(?<=\s)|^)(?:{_mark(f'({names})')})((?:(?!\s(?:{_mark(f'(?:{names})')}))[^\n]){{1,300}})")


def _mark(name: str) -> str:
    """``(A) text``, ``A. text``, ``[A] text``, ``**A)** text``, ``Option A: text``, ``A、text``, and ``A - text`` at the start of a line."""
    return (
        rf"(?:\*\*)?(?:\({name}\)[.:]?|\[{name}\]|(?:(?:[Oo]ption|[Cc]hoice)\s)?{name}(?:\*\*)?[).:])(?:\*\*)?:?\s{{1,3}}"
        rf"|{name}[、．：]\s{{0,3}}|(?:(?<=\n)|^){name}\s[-–—]\s"
    )


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


def _quoted(text: str) -> Iterator[_Found]:
    run: list[re.Match[str]] = []
    for quoted in [*(match for match in _QUOTED.finditer(text) if not _is_key(text, match)), None]:
        if quoted is not None and (not run or _joined(text, run[-1], quoted)):
            run.append(quoted)
            continue
        if len(run) > 1 and _calls(text, run[0].start(), run[-1].end()):
            yield _Found(tuple(dict.fromkeys(Label(_inner(match)) for match in run)), 2, run[0].start())
        run = [quoted] if quoted is not None else []


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


def _bracketed(text: str) -> Iterator[_Found]:
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
                yield _Found(tuple(dict.fromkeys(Label(str(item).strip()) for item in listed)), 2, found.start())
                continue
        items = _items(inside)
        if items and (found[0][0] != "(" or re.search(r"[/|]|\bor\b", inside)):
            yield _Found(items, 2, found.start())


def _items(text: str, most_words: int = 5) -> tuple[Label, ...]:
    """The members of a list, or none if one of them is not a label."""
    separator = next((sign for sign in ";|,、，/" if sign in text), ",")
    splits = rf"\s{{0,3}}[{separator}]\s{{0,3}}(?:(?:and|or)\s{{1,3}})?|\s{{1,3}}(?:or|and)\s{{1,3}}|或者?"
    parts = [part.strip().strip("\"'`*“”‘’.") for part in re.split(splits, text)]
    if len(parts) < 2 or not all(_WORDS.fullmatch(part) and len(part.split()) <= most_words for part in parts):
        return ()
    return tuple(dict.fromkeys(Label(part) for part in parts))


# Items on separate lines: bullets, numbers


_ITEM = re.compile(r"^[ \t]{0,8}(?:([-*•‣–])|\(?([0-9]{1,3})[).:])[ \t]{1,4}(\S[^\n]{0,300})$", re.MULTILINE)
_ITEM_GLOSS = re.compile(r"\s{0,3}(?::\s|\s[-–—]\s|\s\(|\s=\s|\s->\s).*", re.DOTALL)


def _itemized(text: str) -> Iterator[_Found]:
    run: list[re.Match[str]] = []
    for item in [*_ITEM.finditer(text), None]:
        if item is not None and (not run or (item.start() - run[-1].end() <= 2 and bool(item[1]) == bool(run[0][1]))):
            run.append(item)
            continue
        if len(run) > 1:
            lead = _lead_line(text, run[0].start())
            if _CALLS_FOR_ONE.search(lead) and not _NOT_A_CHOICE.search(lead):
                yield _Found(_item_labels(run, text), 2, run[0].start())
        run = [item] if item is not None else []


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


# A colon, or words that ask for one of the next words


_COLON = re.compile(
    r"\b(?:labels?|options?|choices?|classes|categories|answers?|values?|tags|intents|sentiments?|emotions?|topics|one of|following|into"
    r"|exactly|either|as follows|only with|with only|just with|(?:intent|label|category|class|topic|tag) names?)"
    r"(?:\s(?:are|is|one|words?|labels?|options?|choices?|classes|categories|values?|of|the|these|only|answers?)){0,5}"
    r"(?:\s?\([^()\n]{1,30}\))?(?:\s?[:：]|\s[-–—]\s)\s{0,3}([^\n:.!?]{3,600})(?=[.!?\n]|$)",
    re.IGNORECASE,
)


_CHINESE_COLON = re.compile(r"(?:之一|标签|標籤|类别|選項|选项|以下)[：:]\s{0,3}([^\n:：。！？.]{3,600})")


def _behind_a_colon(text: str) -> Iterator[_Found]:
    for found in (*_COLON.finditer(text), *_CHINESE_COLON.finditer(text)):
        if not _NOT_A_CHOICE.search(_lead(text, found.start())[-40:]):
            yield _Found(_items(_NOTHING_ELSE.sub("", found[1])), 2, found.start())


_NOTHING_ELSE = re.compile(r"[,\s(]*\b(?:only|and nothing else|nothing else|without|with no|please)\b.*$", re.IGNORECASE)

_TOKEN = r"[\w][\w'’+-]{0,39}"
_COMMA, _SLASH = r"\s{0,3},\s{0,3}(?:(?:or|and)\s{1,3})?", r"\s{0,3}[/|]\s{0,3}"


def _series(item: str, last: str = "or") -> str:
    """A pattern for ``a, b or c``, and for ``a/b/c``."""
    return rf"({item}(?:{_COMMA}{item}){{0,60}}\s{{0,3}},?\s{{1,3}}{last}\s{{1,3}}{item}|{item}(?:{_SLASH}{item}){{1,60}})"


_SERIES, _AND_SERIES = _series(_TOKEN), _series(_TOKEN, "and")
_KNOWN = (
    "yes|no|true|false|maybe|unknown|positive|negative|neutral|mixed|entailment|contradiction|spam|ham|correct|incorrect|right|wrong|good|bad"
    "|real|fake|relevant|irrelevant|toxic|safe|unsafe|support\\w*|refut\\w*|agree|disagree|[A-Z]|[0-9]"
)
_KNOWN_SERIES = _series(f"(?:{_KNOWN})")
_VERBS = (
    r"(?:answer|repl(?:y|ies)|respond|output|return|say|write|print|choose|select|pick|classif\w+|label|categori[sz]e|tag|mark|judge|rate"
    r"|predict|fill)"
)
_CAPITALS = r"[A-Z][A-Z0-9]+(?:[ _-][A-Z0-9]+){0,4}"
_SENTENCE_ENDS = r"(?=[.;!?)]|\s{0,3}$|\s{0,3}\n)"
_BARE_IN_QUESTIONS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:{_VERBS}|is|be|either|whether|only)\b[\s:(,]{{1,4}}(?:only\s|just\s|either\s|with\s|exactly\s){{0,3}}{_KNOWN_SERIES}"
        r"(?=[\s.,;:!?)]|$)",
        rf"\bone of\s{{1,3}}(?:the\s)?(?:following\s)?(?:labels\s|choices\s|options\s)?\(?{_SERIES}(?=\W|$)",
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
    re.compile(rf"[从從]\s?({_TOKEN}?(?:\s?[、，,]\s?{_TOKEN}?){{1,60}}(?:[或和]{_TOKEN}?)?)\s?[中裡里][选選挑]"),
    re.compile(rf"\b(?:(?i:{_VERBS}|with|as|only|either|is|be)\s){_series(_CAPITALS)}{_SENTENCE_ENDS}"),
)
_RANGE = re.compile(r"\b(?i:letters?|choices?|options?|answers?)\b[^.\n]{0,40}?\(?['\"]?\b([A-Z])['\"]?\s?(?:-|–|to|through)\s?['\"]?([A-Z])\b")


def _bare_words(text: str, patterns: tuple[re.Pattern[str], ...]) -> Iterator[_Found]:
    for pattern in patterns:
        for found in pattern.finditer(text):
            if _NOT_A_CHOICE.search(_lead(text, found.start())[-40:]) or _PAIRS_OF_WORDS.search(found[1]):
                continue
            yield _Found(_items(found[1]), 1, found.start())
    for found in _RANGE.finditer(text):
        if found[1] < found[2]:
            yield _Found(tuple(Label(chr(code)) for code in range(ord(found[1]), ord(found[2]) + 1)), 1, found.start())


_PAIRS_OF_WORDS = re.compile(
    r"\b(?:and/or|he/she|his/her|him/her|word or phrase|less or more|more or less|input/output)\b|^(?:an|the|your|one|it)\b|^a\s",
    re.IGNORECASE,
)
