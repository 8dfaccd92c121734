"""The effect of changed settings on a run: the answers that are used, the rows that are sent again, and the cost of these."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from beam_distill.before_run.differing_settings import differing_settings
from beam_distill.job.prices import Prices
from transforms.elements.counted import counted
from transforms.elements.usage import Usage

LIMIT = "teacher_model_max_new_tokens"


@dataclass(slots=True)
class SentAgain:
    """Rows that are sent although the ledger has answers to them, and the usage of those answers.

    ``requests`` counts requests to send, ``reported`` the earlier ones with reported tokens.
    """

    rows: int = 0
    requests: int = 0
    reported: int = 0
    usage: Usage = Usage()

    def add_row(self, requests: int, earlier: Iterable[Usage | None]) -> None:
        """One more row with this number of requests to send; ``earlier`` is the usage of each earlier answer, if reported."""
        self.rows += 1
        self.requests += requests
        for usage in earlier:
            if usage is not None:
                self.reported += 1
                self.usage = self.usage.plus(usage)

    def add(self, other: SentAgain) -> None:
        """Add those of another split."""
        self.rows += other.rows
        self.requests += other.requests
        self.reported += other.reported
        self.usage = self.usage.plus(other.usage)

    def price(self, prices: Prices | None, limit: int, grows: bool = False) -> str:
        """Requests, tokens and cost as text. ``limit`` is the most tokens of an answer; ``grows``: answers will be longer than before."""
        sent = counted(self.requests, "request")
        if not self.reported:
            return f"{sent}; their usage is not known, because the endpoint reports no tokens"
        times = self.requests / self.reported
        most_out = self.requests * limit
        out = most_out if grows else min(most_out, round(self.usage.completion * times))
        thought = round(out * self.usage.reasoning / self.usage.completion) if self.usage.completion else 0
        usage = Usage(round(self.usage.prompt * times), out, round(self.usage.cached * times), thought)
        bound, basis = ("at most", "") if out == most_out else ("about", ", as the earlier answers took")
        cost = f", {bound} {prices.shown(prices.cost(usage))}" if prices is not None else ""
        return f"{sent}, about {usage.prompt:,} tokens in and {bound} {out:,} out{cost}{basis}"


@dataclass(slots=True)
class ChangedSettings:
    """Rows with answers from earlier settings.

    ``used`` and ``context_full`` are rows answered under another token limit, the latter cut off by the model's context. ``cut_off`` are those
    that ended at a limit lower than the current one, ``other`` those with another request. ``limits`` are the earlier limits; ``earlier``
    and ``now`` are the bodies of one of the other requests and of its current request.
    """

    used: int = 0
    context_full: int = 0
    cut_off: SentAgain = field(default_factory=SentAgain)
    other: SentAgain = field(default_factory=SentAgain)
    limits: set[int] = field(default_factory=set)
    earlier: str = ""
    now: str = ""

    def sentences(self, limit: int, prices: Prices | None) -> list[str]:
        """Sentences for the user before anything is sent; ``limit`` is the run's token limit. Empty if nothing changed."""
        said = []
        before = ", ".join(f"{earlier}" for earlier in sorted(self.limits))
        if self.used:
            said.append(
                f"{LIMIT} is {limit}: {counted(self.used, 'row')} answered under {before} {_are(self.used)} not sent again: only a "
                "higher limit gives more, and only where the lower one cut an answer off"
            )
        if self.context_full:
            said.append(
                f"{counted(self.context_full, 'row')} cut off below {LIMIT} ({before}), by the model's context or a limit of the server's, "
                f"{_are(self.context_full)} not sent again: a higher limit gives no more"
            )
        if self.cut_off.rows:
            said.append(
                f"{LIMIT} {before} -> {limit}: {counted(self.cut_off.rows, 'row')} cut off by the lower limit {_are(self.cut_off.rows)} "
                "sent, and paid for, again: "
                f"{self.cut_off.price(prices, limit, grows=True)}"
            )
        if self.other.rows:
            differs = "; ".join(differing_settings(self.earlier, self.now)) or "the endpoint's address"
            said.append(
                f"the ledger holds answers about {counted(self.other.rows, 'row')} to other requests, which are not used: what differs is "
                f"{differs}. These rows are sent, and paid for, again: {self.other.price(prices, limit)}. With the earlier settings they are not"
            )
        return said


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def together(changes: Iterable[ChangedSettings]) -> ChangedSettings:
    """The changes of all splits together."""
    whole = ChangedSettings()
    for change in changes:
        whole.used += change.used
        whole.context_full += change.context_full
        whole.cut_off.add(change.cut_off)
        whole.other.add(change.other)
        whole.limits |= change.limits
        if change.earlier:
            whole.earlier, whole.now = change.earlier, change.now
    return whole
