"""Many made-up prompts, some of them edited copies of others, and their exact similarity."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import accumulate

from transforms.elements.rows import ChatMessage, RowOrigin, Split, TrainingRow

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def made_up_texts(count: int, seed: int = 1) -> list[str]:
    """Texts of 150 to 255 words in sentences, of words that are as frequent as in a language."""
    chance = random.Random(seed)
    known = ["".join(chance.choices(_LETTERS, k=chance.randint(2, 9))) for _ in range(20_000)]
    weights = list(accumulate(1 / (place + 10) for place in range(len(known))))
    return [
        ". ".join(" ".join(chance.choices(known, cum_weights=weights, k=15)).capitalize() for _ in range(chance.randint(10, 17)))
        for _ in range(count)
    ]


def edited(text: str, chance: random.Random) -> str:
    """A copy as people and tools make them: a word replaced, the first sentences in another order, other spacing, or another case."""
    kind = chance.randrange(4)
    if kind == 0:
        words = text.split(" ")
        words[chance.randrange(len(words))] = "replaced"
        return " ".join(words)
    if kind == 1:
        first, second, *rest = text.split(". ")
        return ". ".join([second, first, *rest])
    if kind == 2:
        return text.replace(" ", "\n  ")
    return text.upper()


def with_copies(count: int, copies: int, seed: int = 1) -> list[str]:
    """Texts of which some are edited copies of an earlier one, at random places."""
    chance = random.Random(seed)
    texts = made_up_texts(count - copies, seed)
    originals = chance.sample(range(len(texts)), copies)
    placed = [(float(place), text) for place, text in enumerate(texts)]
    placed += [(chance.uniform(original, len(texts)) + 1e-6, edited(texts[original], chance)) for original in originals]
    return [text for _, text in sorted(placed)]


def rows_of(texts: Sequence[str], split: Split = Split.TRAIN, system: str = "") -> list[TrainingRow]:
    """A row for each text, on lines of a file."""
    before = (ChatMessage("system", system),) if system else ()
    return [
        TrainingRow(f"{place:032x}-0", RowOrigin(split, f"{split.value}.jsonl", place + 1, place), (*before, ChatMessage("user", text)))
        for place, text in enumerate(texts)
    ]


def near_doubles(texts: Sequence[str], least: float = 0.8) -> set[int]:
    """The places of texts that have an earlier one with so much of their groups of five words in common, by the exact sets."""
    sets: list[set[tuple[str, ...]]] = []
    having: dict[tuple[str, ...], list[int]] = {}
    found = set()
    for place, text in enumerate(texts):
        words = text.lower().split()
        groups = {tuple(words[begin : begin + 5]) for begin in range(max(1, len(words) - 4))}
        shared: dict[int, int] = {}
        for group in groups:
            for other in having.get(group, ()):
                shared[other] = shared.get(other, 0) + 1
            having.setdefault(group, []).append(place)
        if any(common / (len(groups) + len(sets[other]) - common) >= least for other, common in shared.items()):
            found.add(place)
        sets.append(groups)
    return found
