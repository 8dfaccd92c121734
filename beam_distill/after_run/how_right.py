"""How right the teacher was, in words: for the summary and the report."""

from __future__ import annotations

from collections.abc import Iterator

from transforms.elements.counted import counted
from transforms.elements.sample_tally import SampleTally, interval


def sample_lines(tally: SampleTally, examples: int, cost: str = "") -> Iterator[str]:
    """Lines about the samples of a split; ``tally`` has at least one. ``examples`` are the rows that gave one, ``cost`` what each did."""
    each = f", {tally.samples / examples:.1f}{cost and f' and {cost}'} for each row with an example" if examples else ""
    yield f"samples       {tally.samples:,} of {counted(tally.rows, 'row')}{each}; {tally.accepted / tally.samples:.1%} accepted"
    if tally.labelled:
        yield f"agreement     {agreement_text(tally)}"
    if tally.votes:
        yield f"votes         {votes_text(tally)}"


def votes_text(tally: SampleTally) -> str:
    """How many rows were published with how many votes; there must be some."""
    return "; ".join(f"{votes} for the kept answer of {counted(count, 'row')}" for votes, count in sorted(tally.votes.items()))


def agreement_text(tally: SampleTally) -> str:
    """How many of the examples agree with their row's label, with the 95 % interval; there must be one with a label."""
    least, most = interval(tally.agreeing, tally.labelled)
    share = tally.agreeing / tally.labelled
    return f"{share:.1%} of the {counted(tally.labelled, 'example')} with a label agree with it (95 % interval {least:.1%} to {most:.1%})"
