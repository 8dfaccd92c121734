"""Words around a label that negate it, weaken it or make it uncertain: then an answer does not surely name it.

Words that strengthen a label ("clearly neutral", "very positive") are not among them.
"""

from __future__ import annotations

import re

_LONGEST_BEFORE = 80

_UNSURE = re.compile(
    r"\b(?:maybe|perhaps|possibly|might|could be|could also|either|or|unsure|not sure|uncertain|hard to say|difficult to say|don['’]t know"
    r"|do not know|cannot|can['’]t|can not|unable|sorry|apologi[sz]e|as an ai|language model|i won['’]t|i will not|not able|not enough"
    r"|no way to|none of|neither|nor|also (?:be )?(?:possible|plausible|correct|right|valid|acceptable|fits?|works?|applies|apply)"
    r"|vielleicht|peut-être|quizás?|tal vez|talvez|forse|возможно)\b"
    r"|也许|或许|可能也|かもしれ",
    re.IGNORECASE,
)
"""Anywhere in the label's sentence."""

_FILLER = (
    r"(?:(?:be|been|have|a|an|the|as|of|say|that|it|is|this|simply|just|quite|so|too|at all|in any way|in any sense|even|strictly"
    r"|classified|labell?ed|considered|any|seems?|appears?|looks?|like|to|in|with|more|much"
    r"|(?:a |an )?(?:case|example|instance|form|sign|signs|evidence|indication|hint) of|\w+ly)\s+)"
)
_NEGATED_BEFORE = re.compile(
    r"(?:\b(?:not|never|no|isn['’]t|aren['’]t|wasn['’]t|doesn['’]t|don['’]t|didn['’]t|cannot|can['’]t|won['’]t|neither|nor|non|un|without"
    r"|hardly|scarcely|unlikely|rather than|instead of|other than|far from|opposite of|anything but|except|excluding|rule[sd]? out|against"
    r"|nothing|lack(?:s|ing)?|absence|fail(?:s|ed)?|short of"
    rf"|不[是选為为应]?|非|并非|而非|排除|pas|nicht|kein\w*|ни|не)\b[\s-]*|n['’]t\s+){_FILLER}{{0,6}}"
    r"(?:(?:clear|direct|full|logical|real|true)\s+)?[\"'“‘(]*$"
    r"|\b(?:false|untrue|incorrect|wrong|not (?:the case|true|correct)) that\b[^;:]*$",
    re.IGNORECASE,
)
_WEAKENED_BEFORE = re.compile(
    r"(?:\b(?:partial(?:ly)?|partly|in part|probabl[ey]|likely|presumably|supposedly|seemingly|arguably|tentative(?:ly)?|mostly|mainly|largely"
    r"|predominantly|somewhat|slight(?:ly)?|mild(?:ly)?|moderate(?:ly)?|weak(?:ly)?|almost|nearly|near|close to|roughly|approximately"
    r"|borderline|bordering on|verging on|semi|quasi|half|sort of|kind of|a bit|a little|barely|less|more"
    r"|lean(?:s|ing)?(?: (?:more )?(?:to|towards?))?|tend(?:s|ing)? (?:to|towards?)|closer to"
    r"|teilweise|wahrscheinlich|vermutlich|eher|überwiegend|fast|probablement|plutôt|partiellement|presque"
    r"|probablemente|parcialmente|casi|provavelmente|quase|probabilmente|parzialmente|quasi"
    r"|вероятно|скорее|частично|почти)[\s-]+|(?:可能|部分|大概|基本上?|几乎|たぶん|おそらく|多分|部分的に)(?:是|为|の)?)"
    r"(?:(?:a|an|the|be|is|of|to)\s+){0,2}[\"'“‘(]*$",
    re.IGNORECASE,
)
_OUT_OF = re.compile(r"[0-9]\s*(?:/|out of|of|von|sur|de|su)\s*$", re.IGNORECASE)
"""The highest of a scale, as in "4 out of 5 stars"."""
_NEGATED_BEHIND = re.compile(
    r"^[\"'”’)]*\s*(?:(?:relation(?:ship)?|label|class|category|option|choice)\s+)?(?:is|are|was|would be|can be|seems?|looks?)?\s*"
    r"(?:not|n['’]t|wrong|incorrect|ruled out|excluded|unlikely|false\b|fails\b)"
    r"|^[\"'”’)]*\s+(?:(?:relation(?:ship)?|label|class|category|option|choice)\s+)?"
    r"(?:isn['’]t|doesn['’]t|cannot|can['’]t|(?:does|did|do|would|should|could|can|has|have) not)\b|^\s*\?",
    re.IGNORECASE,
)
_WEAKENED_BEHIND = re.compile(
    r"^[\"'”’)*]*[\s,;:(\[–—-]*(?:but\s+)?(?:only\s+)?(?:partial(?:ly)?|partly|in part|probabl[ey]|likely|presumably|arguably|tentative(?:ly)?"
    r"|mostly|mainly|largely|somewhat|slightly|mildly|moderately|weak(?:ly)?|almost|nearly|borderline|to (?:some|a certain|a) (?:extent|degree)"
    r"|sort of|kind of|more or less|if|unless|i (?:guess|suppose|assume)"
    r"|(?:(?<=but )|(?<=\()|though |although )not (?:always|entirely|fully|completely|wholly|totally|necessarily|quite)"
    r"|with (?:\w+ )?(?:reservations?|caveats?|qualifications?|exceptions?|doubts?)"
    r"|teilweise|wahrscheinlich|vermutlich|probablement|partiellement|probablemente|parcialmente|provavelmente|probabilmente|вероятно|частично"
    r")(?=\s*(?:$|[.,;:!)\]\"'”’–—-])|\s+(?!because|since|as\b|for\b|due\b|given\b))"
    r"|^[\s,;:(（]*(?:可能|部分|大概|或许|也许|たぶん|おそらく)",
    re.IGNORECASE,
)


def doubt_of(before: str, after: str) -> str | None:
    """The words in the sentence around a label that negate it or make it uncertain; None if there are none."""
    near = before[-_LONGEST_BEFORE:]
    found = (
        _NEGATED_BEFORE.search(near)
        or _WEAKENED_BEFORE.search(near)
        or _OUT_OF.search(near)
        or _NEGATED_BEHIND.match(after)
        or _WEAKENED_BEHIND.match(after)
        or _UNSURE.search(before)
        or _UNSURE.search(after)
    )
    return found[0].strip() or "a question mark" if found is not None else None
