"""The cost of tokens, from the prices in a job's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from beam_distill.config.settings import DistillSettings
from beam_distill.config.view import ViewSettings
from transforms.elements.usage import TokenPrices, Usage

PRICE_SETTINGS = {
    "per_million_in": "price_per_million_input_tokens",
    "per_million_out": "price_per_million_output_tokens",
    "per_million_cached": "price_per_million_cached_input_tokens",
    "per_million_reasoning": "price_per_million_reasoning_tokens",
    "currency": "currency",
}


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of tokens, and their currency."""

    tokens: TokenPrices
    currency: str = "USD"

    @property
    def remark(self) -> str:
        """Which tokens a cost covers, if not all; else ""."""
        if self.tokens.per_million_out is None:
            return "input tokens only"
        return "output tokens only" if self.tokens.per_million_in is None else ""

    def cost(self, usage: Usage) -> float:
        """The cost of these tokens; tokens without a price cost nothing."""
        return self.tokens.cost(usage)

    def amount(self, cost: float) -> str:
        """An amount as text: cents from a tenth of a unit on, two digits below."""
        return f"{cost:,.2f} {self.currency}" if cost >= 0.1 or cost == 0 else f"{cost:.2g} {self.currency}"

    def shown(self, cost: float) -> str:
        """The amount, with its remark."""
        return self.amount(cost) + (f" ({self.remark})" if self.remark else "")


def prices_of(settings: ViewSettings) -> Prices | None:
    """The prices, when at least one is given."""
    return prices_among(settings.model_dump(include=set(PRICE_SETTINGS.values())))


def prices_among(settings: Mapping[str, Any]) -> Prices | None:
    """The prices in settings by name, as in run.json; None without any."""
    reported = {name: settings.get(setting) for name, setting in PRICE_SETTINGS.items()}
    currency = reported.pop("currency") or ""
    prices = TokenPrices(**reported)
    return None if prices.per_million_in is None and prices.per_million_out is None else Prices(prices, currency)


def judge_prices(settings: DistillSettings) -> Prices | None:
    """The prices of the judge's tokens, when at least one is given."""
    tokens = TokenPrices(settings.judge_price_per_million_input_tokens, settings.judge_price_per_million_output_tokens)
    return None if tokens == TokenPrices() else Prices(tokens, settings.currency)
