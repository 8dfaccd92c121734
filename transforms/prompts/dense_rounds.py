"""The last summary in a reply with several rounds of denser and denser summaries: never an earlier one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from transforms.elements import reasons
from transforms.prompts.answers import agreed, not_found, text_value
from transforms.prompts.base import AnswerRejected
from transforms.prompts.embedded_json import matching_keys, read_objects

ROUNDS = 4
MISSING_ENTITIES = "Missing_Entities"
DENSER_SUMMARY = "Denser_Summary"

LEAST_SHARE = 1 / 3
"""All summaries have about the same length: one with less than this share of the longest one before is a remark ("same as above")."""
FEWEST_CHARACTERS = 40
_A_KEY = re.compile(r"[\"'“”]denser[\s_-]?summary\\?[\"'“”]\s*:", re.IGNORECASE)
_SUMMARY_BY_ANY_NAME = re.compile(r"summ?ar", re.IGNORECASE)
_GOES_ON = re.compile(r"summ?ar(?:y|ies)\W{0,5}[:：]|\b(?:round|step)\W{0,3}\d", re.IGNORECASE)
_NUMBERED = re.compile(
    r"[\"'](?:round|step|iteration|version|summary)[ _-]?(?:no|number|id)?[\"']?\s*:\s*[\"']?(\d{1,2})\b"
    r"|[\"'](?:round|step|iteration|version|summary)[ _-]?(\d{1,2})[\"']\s*:",
    re.IGNORECASE,
)


def last_summary(text: str) -> str:
    """The summary of the last round in a reply.

    Raises AnswerRejected, also when a later round is not finished or cannot be read.
    """
    reading = read_objects(text, (DENSER_SUMMARY, MISSING_ENTITIES))
    if reading.broken:
        raise AnswerRejected(
            reasons.NO_JSON,
            "the last round is not JSON, in a way that leaves its meaning open; earlier ones are less dense",
        )
    if not reading.objects:
        raise not_found(DENSER_SUMMARY, reading.other, reading.unfinished)
    if reading.unfinished:
        raise AnswerRejected(reasons.NO_JSON, "the list of rounds ends in the middle of one; earlier ones are less dense")
    summary = _summary_of(reading.objects[-1])
    if len(reading.objects) < ROUNDS:
        _refuse_more_rounds(text, summary)
    if len(reading.objects) > 1:
        _refuse_other_order(text)
        _refuse_remark(summary, reading.objects[:-1])
    return summary


def _summary_of(found: Mapping[str, object]) -> str:
    keys = matching_keys(found, DENSER_SUMMARY) or [key for key in found if _SUMMARY_BY_ANY_NAME.search(key)]
    if len(keys) != 1:
        raise AnswerRejected(reasons.KEY_MISSING, f'the last round holds {len(keys)} times "{DENSER_SUMMARY}", expected once')
    return text_value(agreed(found[keys[0]], DENSER_SUMMARY), DENSER_SUMMARY)


def _refuse_more_rounds(text: str, summary: str) -> None:
    """A reply with too few rounds may go on with another: in prose, under another name, or cut off before it began."""
    rest = text[max((found.end() for found in _A_KEY.finditer(text)), default=0) :]
    _, said, behind = rest.rpartition(summary[-20:])
    if _GOES_ON.search(behind if said else rest.partition("}")[2]):
        raise AnswerRejected(reasons.KEY_MISSING, f'the reply goes on after the last round with a "{DENSER_SUMMARY}", in another form')
    begins = text.lstrip("` \n").removeprefix("json").lstrip()
    if begins.startswith("[") and "]" not in behind:
        raise AnswerRejected(reasons.NO_JSON, "the list of rounds ends before the last one; earlier ones are less dense")


def _refuse_other_order(text: str) -> None:
    numbers = [int(found[1] or found[2]) for found in _NUMBERED.finditer(text)]
    if numbers and numbers[-1] != max(numbers):
        raise AnswerRejected(
            reasons.KEY_MISSING, f"the rounds are not in the order of their numbers ({', '.join(map(str, numbers))}); which is last is open"
        )


def _refuse_remark(summary: str, rounds_before: Sequence[Mapping[str, object]]) -> None:
    """In characters: several languages have no spaces between words. Of all rounds before, since two may be remarks."""
    earlier = [value for found in rounds_before for key in matching_keys(found, DENSER_SUMMARY) if isinstance(value := found[key], str)]
    longest = max(map(len, earlier), default=0)
    if longest >= FEWEST_CHARACTERS and len(summary) < LEAST_SHARE * longest:
        raise AnswerRejected(
            reasons.KEY_MISSING,
            f"the last round has {len(summary)} characters ({summary[:60]!r}), an earlier one {longest}: it is not a summary",
        )
