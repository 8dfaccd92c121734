"""Matches of a pattern that follow one another, as the members of a list do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

Match = re.Match[str]


def runs(matches: Iterable[Match], follows: Callable[[Match, Match], bool]) -> Iterator[list[Match]]:
    """The matches in runs of at least two. ``follows``: whether the second of two neighbours goes on with the run of the first."""
    run: list[Match] = []
    for match in matches:
        if run and not follows(run[-1], match):
            if len(run) > 1:
                yield run
            run = []
        run.append(match)
    if len(run) > 1:
        yield run
