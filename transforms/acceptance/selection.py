"""Which of a row's samples become examples, and whether another one is needed.

Decided over the samples in the order of their numbers, whatever the order in which they were answered, and up to the first moment at which
they suffice: so the same ledger gives the same examples, also where more was asked ahead than was needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from transforms.acceptance.registry import JUDGE, VOTE


class Keep(str, Enum):
    """Which of the accepted samples of a row are kept."""

    FIRST = "first"
    BEST = "best"
    SHORTEST = "shortest"
    ALL = "all"
    ONE_PER_ANSWER = "one_per_answer"


class CompleteSample(NamedTuple):
    """A sample that is answered to its end.

    ``answer`` is equal for samples that give the same answer; None for one that was refused. ``characters``: the length of its replies.
    ``score`` is the judge's.
    """

    sample: int
    answer: str | None
    characters: int = 0
    score: float = 0.0


class Choice(NamedTuple):
    """The samples that are kept, and whether that is final: then no other sample is needed, and none changes it.

    ``votes`` counts the accepted samples by answer. ``examined``: how many samples, in the order of their numbers, the choice is about.
    """

    kept: tuple[int, ...]
    is_final: bool
    votes: dict[str, int]
    examined: int


@dataclass(frozen=True, slots=True)
class SelectionSpec:
    """How many samples a row may have, how many of them must agree (None: none need to), and which are kept.

    With votes, the answer with most of them wins if it has at least ``votes``; with a tie none does.
    """

    samples: int = 1
    votes: int | None = None
    keep: Keep = Keep.FIRST

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> SelectionSpec:
        """From settings by name, as in run.json; without a number of votes, more than half of the samples must agree."""
        samples = settings.get("samples") or 1
        votes = (settings.get("votes") or samples // 2 + 1) if VOTE in (settings.get("checks") or ()) else None
        return cls(samples, votes, Keep(settings.get("keep") or Keep.FIRST.value))

    def choose(self, complete: Iterable[CompleteSample]) -> Choice:
        """The choice among the samples that are answered so far."""
        accepted: list[CompleteSample] = []
        votes: dict[str, int] = {}
        known = 0
        for one in sorted(complete, key=lambda one: one.sample):
            if one.sample >= self.samples:
                break
            known += 1
            if one.answer is not None:
                accepted.append(one)
                votes[one.answer] = votes.get(one.answer, 0) + 1
            if self.votes is not None:
                winner = self._winner(votes, self.samples - known)
                if winner is not None:
                    return Choice(self._kept([other for other in accepted if other.answer == winner]), True, votes, known)
            elif accepted and self.keep is Keep.FIRST:
                return Choice((one.sample,), True, votes, known)
        left = self.samples - known
        if self.votes is not None:
            return Choice((), not left or max(votes.values(), default=0) + left < self.votes, votes, known)
        return Choice(self._kept(accepted), not left, votes, known)

    def _winner(self, votes: dict[str, int], left: int) -> str | None:
        """The answer with enough votes that the samples that are left cannot catch up with; None if there is none yet."""
        if not votes or self.votes is None:
            return None
        (first, most), (_, second) = [*Counter(votes).most_common(2), ("", 0)][:2]
        return first if most >= self.votes and most > second + left else None

    def next_sample(self, complete: Iterable[CompleteSample], being_asked: Iterable[int]) -> int | None:
        """The next sample to ask while some are being asked; None if no other can be needed."""
        complete = list(complete)
        if self.choose(complete).is_final:
            return None
        taken = {one.sample for one in complete} | set(being_asked)
        return next((number for number in range(self.samples) if number not in taken), None)

    def _kept(self, accepted: list[CompleteSample]) -> tuple[int, ...]:
        if self.keep is Keep.ALL or not accepted:
            return tuple(one.sample for one in accepted)
        if self.keep is Keep.ONE_PER_ANSWER:
            firsts: dict[str | None, int] = {}
            for one in accepted:
                firsts.setdefault(one.answer, one.sample)
            return tuple(firsts.values())
        if self.keep is Keep.SHORTEST:
            return (min(accepted, key=lambda one: one.characters).sample,)
        if self.keep is Keep.BEST:
            return (max(accepted, key=lambda one: one.score).sample,)
        return (accepted[0].sample,)


def wrong_selection(settings: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for everything that keeps the samples of the settings from being chosen among."""
    samples, votes = settings.get("samples") or 1, settings.get("votes")
    if settings.get("keep") == Keep.BEST.value and JUDGE not in (settings.get("checks") or ()):
        yield "keep: best needs scores, which the check judge gives; add it with --checks judge"
    if samples == 1:
        several = ["the check vote"] if VOTE in (settings.get("checks") or ()) else []
        several += ["keep"] if settings.get("keep") not in (None, Keep.FIRST.value) else []
        if several:
            yield f"samples: {' and '.join(several)} choose among several samples of a row, and samples is 1; raise it, for example to 8"
    elif votes is not None and votes > samples:
        yield f"votes: {votes} cannot agree of {samples} samples; lower votes or raise samples"
