"""The options of a harvest, with what holds where a request does not say. Pure."""

from dataclasses import dataclass
from decimal import Decimal

HORIZON_YEARS_MAX = 50


@dataclass(frozen=True, slots=True)
class HarvestOptions:
    """The options of a request. Money is in the account's currency.

    minimum_benefit, minimum_benefit_percentage: a harvest must bring more than both, after all
    costs; the second is of the value sold. minimum_loss: the least loss of one security.
    brokerage_fee: the broker's fixed charge for an order; a round trip has four orders.
    horizon_years, discount_percentage: when the tax saved comes back, and the yearly discount.
    switch_back_gain_percentage: the gain, of its value, above which a replacement is kept.
    without_replacement: whether to sell without a replacement and wait in cash.
    """

    minimum_benefit: Decimal = Decimal(100)
    minimum_benefit_percentage: Decimal = Decimal(10)
    minimum_loss: Decimal = Decimal(0)
    brokerage_fee: Decimal = Decimal(0)
    horizon_years: int = 10
    discount_percentage: Decimal = Decimal(5)
    switch_back_gain_percentage: Decimal = Decimal(2)
    without_replacement: bool = False
