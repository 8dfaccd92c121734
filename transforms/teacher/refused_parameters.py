"""The fields of the request that a teacher refuses, by its own words.

A value out of range does not count: then the user's setting is wrong, and must not be left out silently.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from transforms.teacher import error_words_chinese as chinese
from transforms.teacher.error_body import ErrorBody, plain
from transforms.teacher.kinds.registry import plain_request

SYSTEM = "system"
SHORTEST_ECHO = 12
_NAMES = {
    "temperature": re.compile(r"\btemperature\b"),
    "top_p": re.compile(r"\btop ?-?p\b"),
    "frequency_penalty": re.compile(r"\bfrequency[ -]?penalty\b"),
    "presence_penalty": re.compile(r"\bpresence[ -]?penalty\b"),
    "stop": re.compile(
        r"\bstop (?:sequences?|words?|strings?|tokens?|parameter|is|are|was)\b|(?:parameters?|arguments?|fields?|model|name|inputs?):? \[?stop\b"
        r"|body stop\b|^stop\b|[,\[] ?stop\b|\bstop ?参数|参数 ?stop\b"
    ),
    "logprobs": re.compile(r"\b(?:top )?log ?probs?\b|\blog ?probabilit(?:y|ies)\b"),
    "stream": re.compile(r"\bstream(?:ing|ed)?\b(?! options?\b)"),
    "stream_options": re.compile(r"\bstream options?\b|\binclude usage\b"),
}
_TOKEN_LIMIT = re.compile(r"\bmax (completion )?tokens\b")
_REFUSES = re.compile(
    r"(?:not|isnt|arent) (?:be |an? |yet |currently )?(?:support\w*|allow\w*|permitted|accept\w*|available|compatible|valid for|enabled"
    r"|implemented|recogni[sz]ed|configurable|(?:valid|known|recogni[sz]ed) (?:parameter|argument|field|option|property))"
    r"|not applicable|(?:is|are|been) disabled|must be false"
    r"|unsupported|(?:doesnt|dont) (?:support|accept|allow|take)|(?:unrecogni[sz]ed|unknown|unexpected|extraneous|invalid) "
    r"(?:\w+ )?(?:parameters?|arguments?|fields?|keys?|names?|property|properties|inputs?|kwargs?)|got an unexpected"
    r"|extra[ _](?:inputs?|fields?|parameters?|forbidden)|deprecated|incompatible"
    r"|cannot (?:both )?be (?:used|specified|set|provided|combined|modified|changed)|cant (?:both )?be"
    r"|may only be (?:set|used)|must be (?:unset|omitted|removed|null|default)|must be (?:exactly )?(?:1\b|[\d.]+ for (?:this|the) model)"
    r"|only (?:the )?(?:default|[\d.]+)(?: value| \([\d.]+\))*(?: is| are)? (?:supported|allowed|accepted)"
    r"|only (?:a )?(?:temperature|top p)\b|only (?:supports?|accepts?|allows?) (?:the )?(?:default )?(?:temperature|top p)"
    r"|requires? (?:the )?(?:temperature|top p)\b|\bunset\b"
    r"|only (?:one of|use one)|use only one|not both|fixed (?:at|to)|\b(?:remove|omit|drop) |mutually exclusive|at the same time|simultaneously"
    r"|cannot find field|no such field|not configurable|not match any of the allowed properties|beta limitations"
    rf"|cannot (?:specify|set|use|provide|pass) both|{chinese.REFUSES}"
)
_RANGE = re.compile(
    r"\bbetween\b|(?:greater|less|higher|lower|more) than|at (?:most|least)|\brange\b|<(?!\d{3}>)|(?<!<\d{3})>"
    r"|(?:above|below|exceeds) (?:the )?(?:max|min)|(?:cannot|must not|may not|should not) (?:exceed|be more)"
    r"|must be (?:an? )?(?:positive|non-?negative|integer|number|float|string|valid)"
    rf"|out of (?:range|bounds)|too (?:high|large|low|small)|(?:maximum|minimum) value|{chinese.RANGE}"
)
_NEVERTHELESS = re.compile(
    r"unsupported|unknown|unrecogni[sz]ed|does(?:nt| not) (?:support|accept)|deprecated|extra |both|only (?:the )?default|unset|omitted"
)
_BOTH = re.compile(
    r"cannot both|cant both|can not both|not both|both [^.]{0,60}(?:specified|set|provided|used|given|present|passed)"
    r"|only (?:use )?one\b|use one\b|\beither\b|at the same time|simultaneously|together|mutually exclusive|combin\w+"
    rf"|(?:specify|set|use|provide|pass) both|{chinese.BOTH}"
)
_OFFERED = re.compile(
    r"\b(?:supported|allowed|valid|available|accepted|known|expected) (?:parameters|fields|values|arguments|options|keys|names)\b.*"
)
_NO_SYSTEM = re.compile(
    r"(?<!optional )\bsystem (?:role|messages?|prompts?|instructions?)\b"
    rf"|\brole\b[^\n]{{0,60}}\bsystem\b|\bsystem\b[^\n]{{0,60}}\brole|developer instruction|{chinese.NO_SYSTEM}"
)
_CODE_IN_FRONT = re.compile(r"\binvalid parameters?:")  # Alibaba's, before every sentence
_OTHER_ROLES_ONLY = re.compile(
    r"only user\b[^.]{0,40}\broles? (?:are|is) (?:supported|allowed|accepted)|^(?!.*optional system).*roles must (?:be )?alternat\w+"
    r"|\brole ?(?:必须|只能|应)[为是] ?user (?:或|和|/) ?assistant"
    r"|\brole\b[^.\n]{0,60}(?:should|must) be (?:one of )?\[?user\b|(?:should|must) be (?:one of )?\[?user,? (?:or|and) assistant\b"
    r"|(?:unexpected|invalid|unknown|unsupported|unrecognized) (?:message )?role:? system"
)
_SENTENCE = re.compile(r"\n|(?<=[a-z\])])[.!;] |[!;](?= |$)")


@dataclass(frozen=True, slots=True)
class Asked:
    """The relevant parts of a request: its fields, the name of its token limit, and its row's lines in the form of ``plain``."""

    names: tuple[str, ...]
    token_limit: str | None
    row_lines: tuple[str, ...] = ()

    def left_of(self, message: str) -> str:
        """A server's message without repeated lines of the row."""
        for line in self.row_lines:
            if len(line) >= SHORTEST_ECHO:
                message = message.replace(line, " ")
        return message

    def has(self, words: str) -> bool:
        """Whether the row itself contains this."""
        return any(words in line for line in self.row_lines)


def read_request(body: bytes) -> Asked:
    """The refused request. An empty body means a request with all fields."""
    if not body:
        return Asked((*_NAMES, SYSTEM), None)
    request = plain_request(body)
    messages = request.get("messages", [])
    names = tuple(name for name in _NAMES if name in request)
    if any(message.get("role") == SYSTEM for message in messages):
        names = (*names, SYSTEM)
    limit = next((name for name in ("max_completion_tokens", "max_tokens") if name in request), None)
    said = [message.get("content") for message in messages]
    return Asked(names, limit, tuple(plain(line) for text in said if isinstance(text, str) for line in text.splitlines()))


def refused_parameters(error: ErrorBody, message: str, asked: Asked) -> tuple[str, ...]:
    """The fields of the request that the teacher refuses, including ``max_tokens`` and ``max_completion_tokens``; usually none."""
    found: list[str] = []
    for sentence in _SENTENCE.split(message):
        found.extend(name for name in _refused_in(sentence, error, asked) if name not in found)
    if len(found) > 1 and SYSTEM not in found and _BOTH.search(message):
        del found[0]  # leaving out one of them, temperature, is enough
    return tuple(found)


def _refused_in(sentence: str, error: ErrorBody, asked: Asked) -> list[str]:
    if SYSTEM in asked.names and _OTHER_ROLES_ONLY.search(sentence):
        return [SYSTEM]
    if not _REFUSES.search(sentence) or (_RANGE.search(sentence) and not _NEVERTHELESS.search(sentence)):
        return []
    said = _OFFERED.sub("", sentence)
    named = [name for name in _NAMES if name in asked.names and (_NAMES[name].search(said) or plain(name) in error.parameters)]
    if SYSTEM in asked.names and _NO_SYSTEM.search(said) and _REFUSES.search(_CODE_IN_FRONT.sub("", sentence)):
        named.append(SYSTEM)
    limit = _TOKEN_LIMIT.search(said)
    if limit is not None:
        refused = "max_completion_tokens" if limit[1] else "max_tokens"
        if asked.token_limit in (None, refused):
            named.append(refused)
    return named
