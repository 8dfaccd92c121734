"""The parts of a row's own system message that stay in a request that replaces it (docs/decisions/0004).

The message is sorted by sentences. Sentences that forbid reasoning or prescribe a markup are dropped. Limits on the
form of the reply become limits on the answer's key. Choices in quotes become a list. The rest is background.
A sentence that would be lost is cut into clauses, so that one about the task is kept beside one about the form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """The parts that are kept.

    ``background``: what the task is about. ``labels``: the choices, if the message lists them. ``rules``: its rules
    for the answer, with ANSWER in place of "your response" and similar.
    """

    background: str
    labels: tuple[str, ...]
    rules: tuple[str, ...]


ANSWER = "\0"
"""Placeholder in a rule for the name of the answer's key."""

_SENTENCE_END = re.compile(r"((?<=[.!?])\s+|\n+)")
_LIMITS = re.compile(r"\b(?:only|solely|just|exactly|nothing|never|not|no|without|avoid|skip|omit)\b|n['’]t\b", re.IGNORECASE)
_BEYOND_THE_ANSWER = re.compile(
    r"\b(?:reason(?:ing|s)?|explain\w*|explanations?|justif\w*|rationales?|thoughts?|thinking|think|steps?|calculations?|workings?"
    r"|commentary|comments?|preamble|extra|additional|else|other (?:words?|text)|any other|words around)\b",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"\b(?:json|xml|yaml|csv|markdown|html|latex|code block|format|tags?)\b", re.IGNORECASE)
_ADDRESSES_REPLY = re.compile(
    r"\b(?:outputs?|respon[ds]\w*|repl(?:y|ies)|return|print|answer\w*|write|provid\w+|giv(?:e|es|ing)|generat\w+|produc\w+|say"
    r"|choose|select|pick|exceed|limit|keep|use)\b",
    re.IGNORECASE,
)
_FORM = re.compile(
    r"\b(?:only|solely|just|alone|exactly|single|one of|words?|letters?|labels?|choices?|options?|integers?|whole numbers?|numerical"
    r"|digits?|sentences?|sign|units?|short|concise|brief|characters|paragraphs?)\b",
    re.IGNORECASE,
)
_THE_ANSWER = re.compile(r"\b(?:your|the)\s+(?:final\s+)?(?:response|output|reply|answer)\b", re.IGNORECASE)
_REPLY = r"(?:output|respond|reply|return|print|answer|write|give|provide)"
_NOT_DO = r"(?:only|just|solely|do not|don['’]t|never|avoid)\b"
_CLAUSE_END = re.compile(
    rf"\s*[;\u2014\u2013]\s*|(?:\s*,\s*|\s+)(?:and|but|then)\s+(?:then\s+)?(?={_NOT_DO}|{_REPLY}\b)"
    rf"|\s*,\s*(?={_NOT_DO}|{_REPLY}\s+(?:only|just|solely|with|in|as)\b|(?:without|with\s+no|with\s+nothing|no|nothing|not)\b)"
    r"|\s+(?=(?:without|with\s+no|with\s+nothing)\b)",
    re.IGNORECASE,
)
"""Where a clause about the form may begin. Not at "answer unit" in a list of what to leave out."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_OTHER_WORDS_OF_FORM = """
a all also always am an and any anything are as asked at be been being both but by can correct correctly directly do does either every final
for from given have how i if in include included including introduction is it its itself less line lines marks may me message more most must my
name names none notes number numbers of on one or please prose punctuation put question questions quotation quotes result results right should
simply so text texts than that the them then these they this those three to two up us value we what when which whole will with work you your
yourself
"""
_WORDS_OF_FORM = frozenset(_OTHER_WORDS_OF_FORM.split())
_REPLY_WITH = re.compile(r"^(\W*(?:please\s+|always\s+)?)(?:respond|reply|output|return|print)\s+", re.IGNORECASE)
_PREPOSITION = re.compile(r"(?:with|only|just|solely|in|as|using)\b", re.IGNORECASE)
_ASKS = re.compile(r"^\W*(?:please\s+|always\s+)?(?:answer|choose|select|pick|give|provide|use|keep|limit|write)\b", re.IGNORECASE)
_QUOTED = re.compile(
    r"(?<!\w)(?:'((?:[^'\n]|(?<=\w)'(?=\w)){1,60})'|\"([^\"\n]{1,60})\"|‘([^’\n]{1,60})’|“([^”\n]{1,60})”|`([^`\n]{1,60})`)(?!\w)"
)
_BETWEEN_LABELS = re.compile(r"[\s,;/|*•-]{0,6}(?:(?:and|or|&)\s{1,3})?", re.IGNORECASE)
_CALLS_FOR_LABEL = re.compile(
    r"\b(?:only|one of|either|must|labels?|choices?|options?|class(?:es)?|categor\w+|exactly|choose|select|pick|answer\w*"
    r"|respond|reply|outputs?|verdict)\b",
    re.IGNORECASE,
)
_SAYS_NOTHING = re.compile(r"\W*you are (?:a|an) (?:helpful |useful |friendly |AI |smart )*assistant\W*", re.IGNORECASE)
_NOT = re.compile(r"\b(?:not|never|avoid|without|except)\b|n['’]t\b", re.IGNORECASE)


@lru_cache(maxsize=256)
def carried_over(system_message: str) -> CarriedOver:
    """The parts of a system message to keep. Most rows share one message, so results are cached."""
    labels, lists = _listed_labels(system_message)
    kept: list[str] = []
    rules: list[str] = []
    end = 0
    pieces = _SENTENCE_END.split(system_message)
    for sentence, gap in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        start, end = end, end + len(sentence) + len(gap)
        spans = [(first - start, last - start) for first, last in lists if first < end and start < last]
        background, said = ("", []) if spans else _sorted(sentence)
        if not background and not said:
            background, said = _sorted_clauses(sentence, spans)
        rules += said
        if background:
            kept.append(background + gap)
    return CarriedOver("".join(kept).strip(), labels, tuple(rules))


def _sorted(text: str) -> tuple[str, list[str]]:
    """A sentence or clause as background, as a rule, or as neither."""
    addressed = _ADDRESSES_REPLY.search(text)
    if (_LIMITS.search(text) and _BEYOND_THE_ANSWER.search(text)) or (addressed and _MARKUP.search(text)):
        return "", []
    if addressed and _FORM.search(text):
        return "", _rule(text)
    return ("" if _SAYS_NOTHING.fullmatch(text) else text), []


def _sorted_clauses(sentence: str, lists: list[tuple[int, int]]) -> tuple[str, list[str]]:
    """The same for a sentence of several clauses of which some are about more than the form; a clause with a list of labels is not."""
    ends = [found.span() for found in _CLAUSE_END.finditer(sentence)]
    background, rules = "", []
    was_kept = False
    for (before, start), (end, _) in zip([(0, 0), *ends], [*ends, (len(sentence), 0)], strict=True):
        clause = sentence[start:end]
        kept = ""
        if ends and not any(first < end and start < last for first, last in lists) and _says_more(clause):
            kept, said = _sorted(clause)
            rules += said
        if kept:
            between = sentence[before:start] if was_kept else "; "
            background += (between if background else "") + kept
        was_kept = bool(kept)
    mark = sentence[-1:] if background and not was_kept and sentence[-1:] in ".!?" else ""
    return background + mark, rules


def _says_more(clause: str) -> bool:
    """Whether a clause names anything besides the form of the reply."""
    vocabularies = (_LIMITS, _BEYOND_THE_ANSWER, _MARKUP, _ADDRESSES_REPLY, _FORM)
    words = (word.lower() for word in _WORD.findall(clause))
    return any(word not in _WORDS_OF_FORM and not any(known.fullmatch(word) for known in vocabularies) for word in words)


def _rule(sentence: str) -> list[str]:
    """A sentence about the form of the reply, rewritten for the answer; empty if that is not possible."""
    rule, turned = _THE_ANSWER.subn(ANSWER, sentence)
    if not turned:
        rule, turned = _REPLY_WITH.subn(_fill, sentence)
    return [rule.strip()] if turned or _ASKS.search(sentence) else []


def _fill(found: re.Match[str]) -> str:
    follows = found.string[found.end() :]
    return f"{found[1]}Fill {ANSWER} " + ("" if _PREPOSITION.match(follows) else "with ")


def _listed_labels(text: str) -> tuple[tuple[str, ...], list[tuple[int, int]]]:
    """The choices that a text lists in quotes as the only answers, and the spans of the lists.

    No choices if it lists none, or different ones in different places.
    """
    lists: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    run: list[re.Match[str]] = []
    for quoted in [*_QUOTED.finditer(text), None]:
        if quoted is not None and (not run or _BETWEEN_LABELS.fullmatch(text, run[-1].end(), quoted.start())):
            run.append(quoted)
            continue
        if len(run) > 1:
            before = text[max(0, run[0].start() - 200) : run[0].start()].rstrip(" \t\n*•-")
            lead = re.split(r"[.!?\n]", before)[-1]
            if _CALLS_FOR_LABEL.search(lead) and not _NOT.search(lead):
                labels = tuple(dict.fromkeys(match[match.lastindex or 0].strip() for match in run))
                lists.setdefault(labels, []).append((run[0].start(), run[-1].end()))
        run = [quoted] if quoted is not None else []
    if len(lists) != 1:
        return (), []
    return next(iter(lists.items()))
