"""Labels that instructions list with their meanings: "0 = negative, 1 = positive", "P (positive) or N (negative)", "1 if toxic, else 0"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transforms.prompts.match_runs import runs

_CODE = r"[0-9]{1,2}|YES|NO|TRUE|FALSE|[Yy]es|[Nn]o|[Tt]rue|[Ff]alse"
_SAYS = r"(?:(?:answer|output|print|return|write|say|respond|reply|give)\s+(?:with\s+)?)?"
_ITEM = re.compile(
    rf"(?<![\w.,%$-])(?P<quote>[\"'`]?)(?:(?P<code>{_CODE})(?P=quote)\s*(?:\((?P<bracket>[^()\n]{{1,60}})\)"
    r"|(?:(?P<only>if|when)\b|=|:|->|→|\b(?:for|means?|indicates?|stands for)\b)\s*(?P<meaning>[^,;.:=\n()]{1,90}?)"
    r"(?=\s*(?:[,;.\n)]|\b(?:and|or|else|otherwise)\b|$)))"
    r"|(?P<letter>[A-Z])(?P=quote)\s*\((?P<in_bracket>[^()\n]{1,60})\))"
    rf"|\b(?:else|otherwise)\b[\s,]*{_SAYS}[\"'`]?(?P<other>{_CODE})\b"
    rf"|(?<![\w.,%$-])[\"'`]?(?P<rest>{_CODE})[\"'`]?\s+(?:otherwise|if not|if it (?:does|is) not)\b"
)
_BETWEEN = re.compile(rf"[\s,;.)]*(?:(?:and|or|but)\b)?[\s,]*{_SAYS}", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:an?|the|it is|it's)\s+", re.IGNORECASE)
_MOST_WORDS = 3
_SCALE = re.compile(r"\b(?:between|from|ranging|scale of)\s*$", re.IGNORECASE)


def coded_labels(text: str) -> Iterator[tuple[tuple[tuple[str, str | None], ...], int, int]]:
    """Every list of at least two codes: each digit or letter with its meaning, if that is a name, and where the list begins and ends."""
    for run in runs(_ITEM.finditer(text), lambda one, other: _BETWEEN.fullmatch(text[one.end() : other.start()]) is not None):
        named = tuple(dict.fromkeys(map(_named, run)))
        if len({name for name, _ in named}) == len(named) > 1 and not _are_ends(text, run, [name for name, _ in named]):
            yield named, run[0].start(), run[-1].end()


def _named(item: re.Match[str]) -> tuple[str, str | None]:
    meaning = _ARTICLE.sub("", (item["bracket"] or item["meaning"] or item["in_bracket"] or "").strip(" \"'`"))
    name = item["code"] or item["letter"] or item["other"] or item["rest"]
    is_name = meaning and len(meaning.split()) <= _MOST_WORDS and not item["only"] and (len(name) == 1 or name.isdigit())
    return name, meaning if is_name else None


def _are_ends(text: str, run: list[re.Match[str]], names: list[str]) -> bool:
    """Whether the codes are the ends of a scale, "between 1 (worst) and 5 (best)", and not all that may be answered."""
    numbers = sorted(int(name) for name in names if name.isdigit())
    has_gaps = bool(numbers) and numbers != list(range(numbers[0], numbers[0] + len(numbers)))
    return has_gaps or _SCALE.search(text[max(0, run[0].start() - 40) : run[0].start()]) is not None
