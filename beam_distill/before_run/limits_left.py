"""The spent part of a job's limits, the rest, and the estimate for the remaining rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from beam_distill.before_run.estimate import Experience, expected_tokens, experience_on_ledger
from beam_distill.before_run.judge_estimate import judge_estimate
from beam_distill.before_run.rows_to_send import endpoint_by_record, rows_to_send
from beam_distill.before_run.survey import SplitSurvey
from beam_distill.config.settings import DistillSettings
from beam_distill.exit_codes import ExitCode
from beam_distill.job.prices import Prices, judge_prices, prices_of
from beam_distill.job.spending import JobSpending, has_limits, spent_in
from transforms.elements.counted import counted
from transforms.elements.tally import Verdict
from transforms.elements.usage import TokenPrices, Usage
from transforms.files.paths import absolute

TO_SPARE = 1.05
"""An estimate is not exact, and the last request must fit at its worst price."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a job: the allowed and the spent amount; ``beside`` as in ``JobSpending``."""

    name: str
    allowed: float
    spent: float
    beside: float
    prices: Prices | None = None

    @property
    def left(self) -> float:
        """The unspent amount."""
        return max(0.0, self.allowed - self.spent)

    @property
    def text(self) -> str:
        """The spent and the unspent amount as text."""
        spent = self.shown(self.spent).rpartition(" ")[0] or self.shown(self.spent)
        beside = f" ({self.shown(self.beside)} of it for attempts without an answer, or estimated)" if self.beside else ""
        return f"{self.name}: {spent} of {self.shown(self.allowed)} spent{beside}, {self.shown(self.left)} left"

    def shown(self, amount: float) -> str:
        """An amount as text."""
        if self.prices is not None:
            return self.prices.amount(amount)
        return counted(round(amount), "token" if self.name == "max_total_tokens" else "request")

    def enough(self, more: float) -> str:
        """As a flag: a limit that allows ``more`` than the spent amount, with a small reserve, rounded up to three digits."""
        needed = self.spent + more * TO_SPARE
        digits = 2 - math.floor(math.log10(needed)) if needed > 0 else 0
        number = math.ceil(needed * 10**digits) / 10**digits
        return f"--{self.name} {number:g}" if self.prices is not None else f"--{self.name} {max(number, 1):.0f}"


def limits_of(settings: DistillSettings, spent: JobSpending) -> list[Limit]:
    """Every limit that is set."""
    prices = prices_of(settings)
    judges = judge_prices(settings) or Prices(TokenPrices())
    total, beside = spent.both, spent.both_beside
    found = []
    if settings.max_cost is not None and prices is not None:
        cost = prices.cost(spent.total.usage) + judges.cost(spent.judge.usage)
        beside_cost = prices.cost(spent.beside.usage) + judges.cost(spent.judge_beside.usage)
        found.append(Limit("max_cost", settings.max_cost, cost, beside_cost, prices))
    if settings.max_total_tokens is not None:
        found.append(Limit("max_total_tokens", float(settings.max_total_tokens), float(total.usage.total), float(beside.usage.total)))
    if settings.max_requests is not None:
        found.append(Limit("max_requests", float(settings.max_requests), float(total.requests), float(beside.requests)))
    return found


def limits_and_warnings(settings: DistillSettings, surveys: list[SplitSurvey], seen: Experience) -> tuple[list[str], list[str]]:
    """The state of each limit, and warnings for limits that are too low for the rows to send."""
    if not has_limits(settings):
        return [], []
    requests = sum(survey.requests for survey in surveys)
    usage = expected_tokens(requests, sum(survey.payload_bytes for survey in surveys), settings.effective_max_new_tokens, seen)
    judged = judge_estimate(settings, surveys)
    takes = {"max_total_tokens": float(usage.total + judged.usage.total), "max_requests": float(requests + judged.questions)}
    prices, judges = prices_of(settings), judge_prices(settings)
    if prices is not None:
        takes["max_cost"] = prices.cost(usage) + (judges.cost(judged.usage) if judges is not None else 0.0)
    limits = limits_of(settings, spent_in(settings.resolved_work_dir))
    warnings = []
    for limit in limits:
        more = takes[limit.name]
        if more > limit.left:
            is_upper = not seen.is_enough and limit.name != "max_requests"
            warnings.append(
                f"{limit.name} leaves {limit.shown(limit.left)}, and what is to be sent takes {'at most' if is_upper else 'about'} "
                f"{limit.shown(more)}: run {'may end' if is_upper else 'ends'} before every row was sent, with exit code "
                f"{int(ExitCode.BUDGET_SPENT)}. {limit.enough(more)} is enough for all"
            )
    return [limit.text for limit in limits], warnings


def rest_text(settings: DistillSettings, spent: JobSpending, verdict: Verdict) -> str:
    """The rows left, their estimated usage, and the limits that would be enough for them."""
    limits = limits_of(settings, spent)
    left = sum(part.tally.not_sent for part in verdict.splits)
    said = f"{'; '.join(limit.text for limit in limits)} (over all runs in this work_dir). {counted(left, 'row is', 'rows are')} left"
    done = sum(part.tally.asked for part in verdict.splits) - left
    rest_of = None
    if settings.data_generation_task_type.has_several_turns:  # some rows are half done
        rest_of = _rest_of_conversations(settings)
    elif done:
        rest_of = round(spent.total.requests * left / done), spent.total.usage.times(left / done)
    if rest_of is None:
        return f"{said}. beam-distill check estimates their usage"
    requests, more = rest_of
    prices, judges = prices_of(settings), judge_prices(settings)
    judged = spent.judge.usage.times(left / done) if done else Usage()
    rest = {
        "max_total_tokens": float(more.total + judged.total),
        "max_requests": float(requests + (round(spent.judge.requests * left / done) if done else 0)),
        "max_cost": (prices.cost(more) if prices else 0.0) + (judges.cost(judged) if judges else 0.0),
    }
    takes = ", ".join(f"about {limit.shown(rest[limit.name])}" for limit in limits)
    raised = " ".join(limit.enough(rest[limit.name]) for limit in limits if rest[limit.name] > limit.left) or "A higher limit"
    return f"{said}; like the others, they would take {takes}: {raised} should be enough for all"


def _rest_of_conversations(settings: DistillSettings) -> tuple[int, Usage] | None:
    """Requests and tokens left to send, turn by turn; None if only the endpoint knows."""
    endpoint, _ = endpoint_by_record(settings)
    if endpoint is None:
        return None
    surveys = rows_to_send(settings, endpoint)
    seen = experience_on_ledger(f"{absolute(settings.resolved_work_dir)}/ledger", endpoint.model)
    requests = sum(survey.requests for survey in surveys)
    return requests, expected_tokens(requests, sum(survey.payload_bytes for survey in surveys), settings.effective_max_new_tokens, seen)
