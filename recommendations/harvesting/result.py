"""The answer of a harvest: offers with their trades, refusals with their reasons. Pure.

Money is in the account's currency where nothing else is said, rounded to its minor unit.

    net benefit          tax now + tax carried - tax later - costs
    costs                sale + purchase of the replacement + both orders of the switch back
    benefit percentage   net benefit / value sold * 100
    risk                 one standard deviation of the difference between the replacement and the
                         original over the 31 days: value * tracking error * sqrt(31 / 365)
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import msgspec

from core.identifiers import canonical_json
from recommendations.engine.problem import as_json
from recommendations.engine.result import Trade, TradeLot
from recommendations.harvesting.problem import ensure_version


@dataclass(frozen=True, slots=True)
class ChosenReplacement:
    """The replacement bought for the proceeds, and how much it may differ (see the module)."""

    symbol: str
    asset_id: str
    quantity: Decimal
    value: Decimal
    correlation: Decimal
    tracking_error: Decimal
    sessions: int
    expense_difference: Decimal | None
    risk: Decimal


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A candidate of a higher rank that cannot be bought, with the code of why."""

    symbol: str
    reason: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A loss worth harvesting.

    loss = loss_short + loss_long, >= 0: the part that counts; disallowed_loss is not in it.
    first_safe_date: the first day on which any account of the household may buy it back.
    turns_long_term_date: the day from which the first of its short-term lots is long-term.
    """

    symbol: str
    asset_id: str
    quantity: Decimal
    price: Decimal
    value: Decimal
    loss: Decimal
    loss_short: Decimal
    loss_long: Decimal
    disallowed_loss: Decimal
    tax_now: Decimal
    tax_carried: Decimal
    tax_later: Decimal
    cost_sale: Decimal
    cost_purchase: Decimal
    cost_back: Decimal
    net_benefit: Decimal
    benefit_percentage: Decimal
    first_safe_date: date
    turns_long_term_date: date | None
    replacement: ChosenReplacement | None
    passed_over: tuple[PassedOver, ...]
    lots: tuple[TradeLot, ...]

    @property
    def costs(self) -> Decimal:
        return self.cost_sale + self.cost_purchase + self.cost_back


@dataclass(frozen=True, slots=True)
class Refusal:
    """A holding whose loss is not offered. loss: of the lots below their basis, before costs.

    net_benefit: what it would bring, if it was worked out.
    """

    symbol: str
    asset_id: str
    reason: str
    explanation: str
    value: Decimal
    loss: Decimal
    until: date | None = None
    net_benefit: Decimal | None = None


@dataclass(frozen=True, slots=True)
class SwitchBack:
    """The way back from a replacement; `state` is offered, too_early, large_gain ...

    gain: of the replacement's lots at today's prices, after the cost of their sale.
    """

    recommendation_id: str
    symbol: str
    replacement: str
    state: str
    explanation: str
    first_safe_date: date
    value: Decimal
    gain: Decimal


@dataclass(frozen=True, slots=True)
class HarvestTotals:
    loss: Decimal
    loss_short: Decimal
    loss_long: Decimal
    tax_now: Decimal
    tax_carried: Decimal
    tax_later: Decimal
    costs: Decimal
    net_benefit: Decimal
    cash_before: Decimal
    cash_after: Decimal


@dataclass(frozen=True, slots=True)
class HarvestResult:
    """The answer; the trades sell the offers' lots, buy their replacements and switch back."""

    engine_version: str
    account_id: str
    as_of: date
    currency: str
    trades: tuple[Trade, ...]
    offers: tuple[Offer, ...]
    refused: tuple[Refusal, ...]
    switch_backs: tuple[SwitchBack, ...]
    totals: HarvestTotals


@dataclass(frozen=True, slots=True)
class _Version:
    engine_version: str


def result_json(*, result: HarvestResult) -> str:
    """Return the canonical JSON text: equal results are equal bytes."""
    return canonical_json(as_json(result)).decode()


def stored_harvest(text: str) -> HarvestResult:
    """Return the result of a canonical JSON text; refuse one of another version."""
    ensure_version(msgspec.json.decode(text, type=_Version).engine_version)
    return msgspec.json.decode(text, type=HarvestResult)
