"""What the success ratio counts: outcomes of rows, their sum, and the verdict over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from transforms.elements.counted import counted
from transforms.elements.failures import EarlyStop, StopCause
from transforms.elements.reasons import CHECK_REASONS, LEFT_OUT, NEVER_ASKED, NOT_NEEDED, NOT_SENT, UNREADABLE_FILE
from transforms.elements.replies import NOT_JUDGED, Judging
from transforms.elements.rows import RowOrigin, Split
from transforms.elements.sample_tally import RowSamples, SampleTally
from transforms.elements.usage import Usage

_DIGEST_MODULUS = 1 << 64


def row_digest(origin: RowOrigin, row_key: str | None) -> int:
    """64 bits that identify a row and its place in the input. Digests of many rows are added up, in any order."""
    return int.from_bytes(blake2b(f"{origin.ordinal} {row_key}".encode(), digest_size=8).digest(), "little")


class RowOutcome(NamedTuple):
    """How one input row ended. ``reason`` is None for a usable example; ``digest`` is the row's ``row_digest``; ``repeat``: an equal row came
    before it."""

    split: Split
    reason: str | None
    digest: int
    usage: Usage = Usage()
    requests_sent: int = 0
    reused_answers: int = 0
    stopped: EarlyStop | None = None
    repeat: bool = False
    samples: RowSamples | None = None
    judging: Judging = NOT_JUDGED
    verdicts_reused: int = 0


@dataclass(slots=True)
class SuccessTally:
    """Mergeable counts of one split. The digests are sums over its rows and over those with an example: other rows give other sums.

    ``judging`` is what the judge did, ``verdicts_reused`` counts its verdicts from the ledger; the other counts are the teacher's.
    ``repeats`` are the rows with an equal row before them. ``samples`` is None in a run without checks that asks each row once. ``pairs``: the
    written pairs of an accepted and a refused answer, None without a file of them. ``without_logprobs``: rows with an example that lacks log
    probabilities of an answer, None if they are not asked for.
    """

    rows: int = 0
    examples: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    usage: Usage = Usage()
    requests_sent: int = 0
    reused_answers: int = 0
    stopped: EarlyStop | None = None
    rows_digest: int = 0
    examples_digest: int = 0
    repeats: int = 0
    samples: SampleTally | None = None
    pairs: int | None = None
    without_logprobs: int | None = None
    judging: Judging = NOT_JUDGED
    verdicts_reused: int = 0

    def add(self, outcome: RowOutcome) -> None:
        """Count one row."""
        self.rows += 1
        self.rows_digest = (self.rows_digest + outcome.digest) % _DIGEST_MODULUS
        if outcome.reason is None:
            self.examples += 1
            self.examples_digest = (self.examples_digest + outcome.digest) % _DIGEST_MODULUS
        else:
            self.reasons[outcome.reason] = self.reasons.get(outcome.reason, 0) + 1
        self.usage = self.usage.plus(outcome.usage)
        self.requests_sent += outcome.requests_sent
        self.reused_answers += outcome.reused_answers
        self.stopped = self.stopped or outcome.stopped
        self.repeats += outcome.repeat
        if outcome.samples is not None:
            self.samples = self.samples or SampleTally()
            self.samples.add(outcome.samples)
        if outcome.judging != NOT_JUDGED:
            self.judging = self.judging.plus(outcome.judging)
        self.verdicts_reused += outcome.verdicts_reused

    def merge(self, other: SuccessTally) -> None:
        """Add the counts of another part of the same split."""
        self.rows += other.rows
        self.examples += other.examples
        self.rows_digest = (self.rows_digest + other.rows_digest) % _DIGEST_MODULUS
        self.examples_digest = (self.examples_digest + other.examples_digest) % _DIGEST_MODULUS
        for reason, count in other.reasons.items():
            self.reasons[reason] = self.reasons.get(reason, 0) + count
        self.usage = self.usage.plus(other.usage)
        self.requests_sent += other.requests_sent
        self.reused_answers += other.reused_answers
        self.stopped = self.stopped or other.stopped
        self.repeats += other.repeats
        if other.samples is not None:
            self.samples = self.samples or SampleTally()
            self.samples.merge(other.samples)
        if other.pairs is not None:
            self.pairs = (self.pairs or 0) + other.pairs
        if other.without_logprobs is not None:
            self.without_logprobs = (self.without_logprobs or 0) + other.without_logprobs
        self.judging = self.judging.plus(other.judging)
        self.verdicts_reused += other.verdicts_reused

    @property
    def rejects(self) -> int:
        """Rows that gave no example."""
        return sum(self.reasons.values())

    @property
    def asked(self) -> int:
        """Rows that can be sent to the teacher, whether they were sent or not: the denominator of the success ratio."""
        return self.rows - sum(count for reason, count in self.reasons.items() if reason in NEVER_ASKED)

    @property
    def usable(self) -> int:
        """Rows with a usable answer, whether the run's checks accepted it or not."""
        return self.examples + self.refused

    @property
    def refused(self) -> int:
        """Rows with a usable answer that a check refused."""
        return sum(count for reason, count in self.reasons.items() if reason in CHECK_REASONS)

    @property
    def success_ratio(self) -> float | None:
        """Rows with a usable answer / rows asked; None when no row was asked."""
        return self.usable / self.asked if self.asked else None

    @property
    def accepted_ratio(self) -> float | None:
        """Examples / rows asked; None when no row was asked."""
        return self.examples / self.asked if self.asked else None

    @property
    def left_out(self) -> int:
        """Rows that could be sent and are left out because they double others."""
        return sum(self.reasons.get(reason, 0) for reason in LEFT_OUT)

    @property
    def readable(self) -> int:
        """Rows that could be sent to the teacher: all but unreadable lines and unusable rows."""
        return self.asked + self.left_out + self.not_needed

    @property
    def not_needed(self) -> int:
        """Rows that were not asked, or not to their end, because the split had enough accepted ones."""
        return self.reasons.get(NOT_NEEDED, 0)

    @property
    def not_sent(self) -> int:
        """Rows that were not sent because the run stopped early."""
        return self.reasons.get(NOT_SENT, 0)


@dataclass(frozen=True, slots=True)
class GateSpec:
    """What a split needs to be published, each 0 to 1.

    ``minimum_success_ratio``: rows with a usable answer / rows asked. ``minimum_readable_ratio``: rows that could be
    sent / rows in. ``minimum_accepted_ratio``: examples / rows asked, which is less where checks refused usable answers.
    """

    minimum_success_ratio: float
    minimum_readable_ratio: float = 0.0
    minimum_accepted_ratio: float = 0.0


@dataclass(frozen=True, slots=True)
class SplitVerdict:
    """The decision about one split.

    ``ratio`` is rows with a usable answer / rows asked, None when no row was asked; ``minimum`` is what it must reach, and
    ``minimum_accepted`` what the tally's accepted ratio must; ``missed`` names the settings of all bounds that it misses. ``published``
    says whether the dataset may be published; ``explanation`` tells the user why.
    """

    split: Split
    tally: SuccessTally
    ratio: float | None
    minimum: float
    published: bool
    explanation: str
    minimum_accepted: float = 0.0
    missed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decisions about a run: one part per split, and the early stop if there was one."""

    splits: tuple[SplitVerdict, ...]
    stopped: EarlyStop | None

    def for_split(self, split: Split) -> SplitVerdict:
        """The part of one split; KeyError when the run did not read it."""
        for part in self.splits:
            if part.split is split:
                return part
        raise KeyError(split)


def verdict_of(tallies: Mapping[Split, SuccessTally], gate: GateSpec) -> Verdict:
    """Compare every split with the gate.

    A split is published when enough of its rows could be read, enough of those gave an example, and the run was not stopped. A split
    without any row to ask is not published.
    """
    stops = [tally.stopped for tally in tallies.values() if tally.stopped is not None]
    return Verdict(tuple(_verdict_of_split(split, tally, gate) for split, tally in tallies.items()), _gravest(stops))


def _gravest(stops: list[EarlyStop]) -> EarlyStop | None:
    order = [StopCause.STORAGE_FAILED, StopCause.INTERRUPTED, StopCause.ENDPOINT_REFUSED, StopCause.ENDPOINT_GONE, StopCause.BUDGET_SPENT]
    return min(stops, key=lambda stop: order.index(stop.cause), default=None)


def _verdict_of_split(split: Split, tally: SuccessTally, gate: GateSpec) -> SplitVerdict:
    published, explanation = _decide(tally, gate)
    return SplitVerdict(
        split, tally, tally.success_ratio, gate.minimum_success_ratio, published, explanation, gate.minimum_accepted_ratio, _missed(tally, gate)
    )


def _decide(tally: SuccessTally, gate: GateSpec) -> tuple[bool, str]:
    """Whether the split is published, and why."""
    asked = tally.asked
    if tally.success_ratio is None or tally.accepted_ratio is None:
        if tally.rows == 0:
            return False, "the input holds no rows"
        return False, f"the input has {counted(tally.rows, 'row')}, and none can be sent"
    share = f"{tally.examples:,} of {counted(asked, 'row')} asked gave an example ({tally.accepted_ratio:.1%})"
    if tally.stopped is not None:
        return False, f"{share}; {counted(tally.not_sent, 'row')} not sent"
    if UNREADABLE_FILE in tally.reasons:
        return False, f"{share}; part of the input could not be read, see the rejects"
    if tally.readable / tally.rows < gate.minimum_readable_ratio:
        readable = f"only {tally.readable:,} of {counted(tally.rows, 'row')} could be read and sent ({tally.readable / tally.rows:.1%})"
        return False, f"{readable}, below the minimum of {gate.minimum_readable_ratio:.1%} (min_readable_ratio)"
    if tally.success_ratio < gate.minimum_success_ratio:
        usable = (
            f"{tally.usable:,} of {counted(asked, 'row')} asked have a usable answer ({tally.success_ratio:.1%})" if tally.refused else share
        )
        return False, f"{usable}, below the minimum of {gate.minimum_success_ratio:.1%}"
    refused = f"; checks refused the usable answers of {counted(tally.refused, 'row')}" if tally.refused else ""
    if tally.accepted_ratio < gate.minimum_accepted_ratio:
        return False, f"{share}, below the minimum of {gate.minimum_accepted_ratio:.1%} (min_accepted_ratio){refused}"
    if tally.refused and not tally.examples:
        return False, f"none of {counted(asked, 'row')} asked gave an example{refused}, so the dataset would be empty"
    return True, share + refused


def _missed(tally: SuccessTally, gate: GateSpec) -> tuple[str, ...]:
    ratios = {
        "min_readable_ratio": (tally.readable / tally.rows if tally.rows else None, gate.minimum_readable_ratio),
        "min_endpoint_success_ratio": (tally.success_ratio, gate.minimum_success_ratio),
        "min_accepted_ratio": (tally.accepted_ratio, gate.minimum_accepted_ratio),
    }
    return tuple(name for name, (ratio, minimum) in ratios.items() if ratio is not None and ratio < minimum)
