"""A hard limit on cost, tokens and requests: one call before a request leaves, one when it has ended.

A request on the wire is reserved twice: at its expected price, so that the limit is reached, and at its worst price, so that it is never
exceeded by more than ``SLACK``. If several processes share a budget, each may use its claim (``budget_keeper``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from transforms.elements.failures import EarlyStop, FailureKind, RequestFailure, StopCause
from transforms.elements.replies import TeacherReply
from transforms.elements.usage import Spending, Usage, sum_of
from transforms.teacher.client import AttemptResult
from transforms.teacher.expectation import Expectation, roughly
from transforms.teacher.lenient_json import read_json
from transforms.teacher.reported_usage import read_usage
from transforms.teacher.specs import BudgetSpec

log = logging.getLogger("beam_distill.teacher")

SLACK = 0.02
ROUNDING = 1e-9
MAY_BE_PAID = frozenset({FailureKind.BROKEN_BODY, FailureKind.BROKEN_OFF, FailureKind.TIMED_OUT, FailureKind.CONNECTION_LOST})
"""Failures of attempts that the teacher may have worked on."""
PROMPT_MAY_BE_PAID = frozenset({FailureKind.CONTENT_FILTERED})
"""Azure bills the prompt tokens even if its filter refuses the prompt."""
NEVER_ARRIVED = frozenset({FailureKind.CANNOT_CONNECT, FailureKind.NO_CREDENTIAL, FailureKind.NO_TRUST})


def rounding(amount: float) -> float:
    """The possible rounding error of sums of this size."""
    return ROUNDING * (1.0 + abs(amount))


@dataclass(slots=True)
class Account:
    """One quantity under a limit, ``available`` for the whole run.

    ``claimed`` is this process's part of it; ``spent`` is what it used, ``reserved`` what its requests on the wire may use.
    ``at_worst``: requests are reserved at their worst price.
    """

    name: str
    available: float
    at_worst: bool
    claimed: float = 0.0
    spent: float = 0.0
    reserved: float = 0.0

    @property
    def used(self) -> float:
        """The amount that is or may be used."""
        return self.spent + self.reserved

    def takes(self, amount: float) -> bool:
        """Whether this amount more may be used."""
        return self.used + amount <= self.claimed + rounding(self.claimed)


class Reservation(NamedTuple):
    """The reservation of a request on the wire: an amount for each account, and its expected usage."""

    amounts: tuple[float, ...]
    expected: Usage


@dataclass(slots=True)
class Purse:
    """What teacher and judge share of a budget. ``on_wire`` counts their reserved requests; ``wants_more`` is called when one needs a higher
    claim; ``no_more_to_claim``: all that could still be claimed is less than the next one needs."""

    accounts: list[Account]
    no_more_to_claim: bool
    on_wire: int = 0
    wants_more: Callable[[], None] | None = None


FREE = Reservation((), Usage())
"""The reservation of every request without limits."""


NEVER_SENT = AttemptResult(0.0, failure=RequestFailure(FailureKind.CANNOT_CONNECT, "given up before it was sent"))


@dataclass(frozen=True, slots=True)
class BudgetState:
    """The state of a process's budget, for the budget keeper. ``needs`` is the reservation that the next request needs, () if none waits.
    ``beside`` is the spending that is not on the ledger, ``on_wire`` the expected usage of requests on the wire."""

    claimed: tuple[float, ...]
    used: tuple[float, ...]
    spent: tuple[float, ...]
    needs: tuple[float, ...]
    beside: Spending
    on_wire: Spending
    judge_beside: Spending = Spending()
    judge_on_wire: Spending = Spending()


class Budget:
    """What one process may spend. ``shared``: it starts with nothing and waits for claims. Every method runs on the event loop.

    The judge's requests have a budget of their own, with its prices and lengths, over the same accounts (``for_judge``).
    """

    def __init__(self, spec: BudgetSpec, most_new_tokens: int, shared: bool = False, within: Purse | None = None) -> None:
        self._spec = spec
        self._prices = (spec.teacher if within is None else spec.judge).prices
        self._expectation = Expectation(most_new_tokens, self._prices)
        self.purse = Purse(_accounts(spec), not shared) if within is None else within
        self.accounts = self.purse.accounts
        if not shared and within is None:
            for account in self.accounts:
                account.claimed = account.available
        self._judge: Budget | None = None
        self._beside = Spending()
        self._on_wire: dict[int, Reservation] = {}
        self._needs: tuple[float, ...] = ()
        self._refused: Account | None = None
        self._estimate_said = False

    def for_judge(self, most_new_tokens: int) -> Budget:
        """The budget of the judge's requests."""
        self._judge = Budget(self._spec, most_new_tokens, within=self.purse)
        return self._judge

    @property
    def has_limits(self) -> bool:
        """Whether anything is limited."""
        return bool(self.accounts)

    def reserve(self, body_bytes: int) -> Reservation | None:
        """Reserve a request with a body of this size; None when it may not leave now."""
        if not self.accounts:
            return FREE
        expected = self._expectation.expected(body_bytes)
        amounts = self._amounts(expected, self._expectation.at_worst(body_bytes))
        for account, amount in zip(self.accounts, amounts, strict=True):
            if not account.takes(amount):
                self._refused, self._needs = account, amounts
                if self.purse.wants_more is not None:
                    self.purse.wants_more()
                return None
        for account, amount in zip(self.accounts, amounts, strict=True):
            account.reserved += amount
        self._needs = ()
        reservation = Reservation(amounts, expected)
        self._on_wire[id(reservation)] = reservation
        self.purse.on_wire += 1
        return reservation

    def settle(self, reservation: Reservation, body_bytes: int, result: AttemptResult | None) -> None:
        """A request has ended; ``result`` is None if the outcome is unknown. ``reservation`` comes from ``reserve``."""
        reply = result.reply if result is not None else None
        if reply is not None and reply.prompt_tokens is not None and reply.completion_tokens is not None:
            spent = Spending(1, reply.usage)
            self._expectation.answered(body_bytes, reply.usage)
        elif reply is not None:
            spent = Spending(1, self._estimated(body_bytes, reply))
            self._expectation.answered(body_bytes, spent.usage)
            self._beside = self._beside.plus(Spending(0, Usage(*(a - b for a, b in zip(spent.usage, reply.usage, strict=True)))))
        else:
            spent = self._of_failure(body_bytes, result)
            self._beside = self._beside.plus(spent)
        if reservation.amounts:
            del self._on_wire[id(reservation)]
            self.purse.on_wire -= 1
            actual = self._amounts(spent.usage, spent.usage, spent.requests)
            for account, reserved, amount in zip(self.accounts, reservation.amounts, actual, strict=True):
                account.reserved -= reserved
                account.spent += amount

    def asked_ourselves(self, reservation: Reservation, body_bytes: int, result: AttemptResult | None) -> None:
        """One of our test questions has ended: it is never on the ledger."""
        self.settle(reservation, body_bytes, result)
        if result is not None and result.reply is not None:
            self._beside = self._beside.plus(Spending(1, result.reply.usage))

    def stop_text(self) -> str:
        """Why the next request may not leave."""
        assert self._refused is not None
        account, needed = self._refused, self._needs[self.accounts.index(self._refused)]
        limit = {"max_cost": self._spec.max_cost, "max_total_tokens": self._spec.max_total_tokens, "max_requests": self._spec.max_requests}
        shown = self._shown(account.name, float(limit[account.name] or 0))
        takes = "which can take up to" if account.at_worst else "which is expected to take"
        needs = "" if account.name == "max_requests" else f", {takes} {self._shown(account.name, needed)}"
        return f"{account.name} of {shown} leaves no room for another request{needs}."

    def early_stop(self) -> EarlyStop:
        """The stop that follows when nothing more may leave."""
        return EarlyStop(StopCause.BUDGET_SPENT, self.stop_text())

    def state(self) -> BudgetState:
        """The current state."""
        return BudgetState(
            tuple(account.claimed for account in self.accounts),
            tuple(account.used for account in self.accounts),
            tuple(account.spent for account in self.accounts),
            self._needs or (self._judge._needs if self._judge is not None else ()),
            self._beside,
            self._spending_on_wire(),
            *(() if self._judge is None else (self._judge._beside, self._judge._spending_on_wire())),
        )

    def _spending_on_wire(self) -> Spending:
        return Spending(len(self._on_wire), sum_of(reservation.expected for reservation in self._on_wire.values()))

    def claim(self, claimed: tuple[float, ...]) -> None:
        """This process may use these amounts from now on."""
        for account, amount in zip(self.accounts, claimed, strict=True):
            account.claimed = amount

    def give_back(self) -> tuple[float, ...]:
        """Reduce the claim to the used amounts. Returns it."""
        self.claim(tuple(account.used for account in self.accounts))
        return tuple(account.claimed for account in self.accounts)

    def nothing_waits(self) -> None:
        """No more requests will be sent."""
        self._needs = ()
        if self._judge is not None:
            self._judge.nothing_waits()

    def nothing_to_come(self, is_so: bool) -> None:
        """``is_so``: all that could still be claimed is less than the next request needs."""
        self.purse.no_more_to_claim = is_so

    def _amounts(self, expected: Usage, at_worst: Usage, requests: int = 1) -> tuple[float, ...]:
        amounts = []
        for account in self.accounts:
            usage = at_worst if account.at_worst else expected
            if account.name == "max_cost":
                amounts.append(self._prices.cost(usage))
            elif account.name == "max_total_tokens":
                amounts.append(float(usage.prompt + usage.completion))
            else:
                amounts.append(float(requests))
        return tuple(amounts)

    def _of_failure(self, body_bytes: int, result: AttemptResult | None) -> Spending:
        """The usage of an attempt without an answer: as reported, else as expected if it may have been billed."""
        if result is None or result.failure is None:
            return Spending(1, self._expectation.expected(body_bytes))
        failure = result.failure
        if failure.is_ours or failure.kind in NEVER_ARRIVED:
            return Spending()
        reported = _reported_in(result.body)
        if reported is not None:
            return Spending(1, reported)
        if failure.kind in MAY_BE_PAID:
            return Spending(1, self._expectation.expected(body_bytes))
        if failure.kind in PROMPT_MAY_BE_PAID:
            return Spending(1, self._expectation.expected(body_bytes)._replace(completion=0, reasoning=0))
        return Spending(1)

    def _estimated(self, body_bytes: int, reply: TeacherReply) -> Usage:
        if self.accounts and not self._estimate_said:
            self._estimate_said = True
            log.warning("the endpoint does not report the tokens of its answers: they are estimated from the length of the texts")
        rough = roughly(body_bytes, (reply.content or "") + (reply.reasoning or ""))
        prompt = rough.prompt if reply.prompt_tokens is None else reply.prompt_tokens
        completion = rough.completion if reply.completion_tokens is None else reply.completion_tokens
        return Usage(prompt, completion, reply.cached_tokens, reply.reasoning_tokens)

    def _shown(self, name: str, amount: float) -> str:
        if name == "max_cost":
            return f"{amount:,.4g} {self._spec.currency}".strip()
        return f"{amount:,.0f} {'tokens' if name == 'max_total_tokens' else 'requests'}"


def _accounts(spec: BudgetSpec) -> list[Account]:
    accounts = []
    before = spec.teacher.before.plus(spec.judge.before)
    if spec.max_requests is not None:
        accounts.append(Account("max_requests", max(0.0, spec.max_requests - before.requests), at_worst=False))
    cost = sum(bill.prices.cost(bill.before.usage) for bill in (spec.teacher, spec.judge))
    limited = (("max_cost", spec.max_cost, cost), ("max_total_tokens", spec.max_total_tokens, float(before.usage.total)))
    for name, limit, gone in limited:
        if limit is not None:
            accounts.append(Account(name, max(0.0, limit - gone), at_worst=False))
            accounts.append(Account(name, max(0.0, (1.0 + SLACK) * limit - gone), at_worst=True))
    return accounts


def _reported_in(body: bytes) -> Usage | None:
    """The tokens that an unusable response reports."""
    if not body:
        return None
    try:
        fields = read_json(body)
    except ValueError:
        return None
    reported = read_usage(fields.get("usage")) if isinstance(fields, dict) else None
    if reported is None or reported.prompt_tokens is None:
        return None
    return Usage(reported.prompt_tokens, reported.completion_tokens or 0, reported.cached_tokens, reported.reasoning_tokens)
