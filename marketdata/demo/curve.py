"""Zero-coupon bonds priced from a par yield curve. Pure; floats inside, quantized at the end.

    par yields     known at a few tenors; between them linear, beyond them flat
    discount d_k   of the half-year k, from par bonds with half-yearly coupons (bootstrapping):
                   1 = y_k/2 * (d_1 + ... + d_k) + d_k, so
                   d_k = (1 - y_k/2 * (d_1 + ... + d_{k-1})) / (1 + y_k/2)
    price          100 * d(t), log-linear in t between half-years, d(0) = 1

Worked example: a flat curve of 4 % gives d_k = 1.02^-k; the ten-year zero costs 67.2971.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

_PRICE_TICK = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class ParYield:
    """The yield of a bond at par, as a fraction a year, compounded half-yearly."""

    years: float
    rate: float


def zero_price(*, par: Sequence[ParYield], years: float) -> Decimal:
    """Return the price per 100 of a zero-coupon bond due in `years` >= 0; `par` ascends."""
    if not par:
        raise ValueError("a curve needs at least one yield")
    if years < 0:
        raise ValueError("the bond has been paid back")
    discounts = _discounts(par, math.ceil(2 * years) + 1)
    whole = math.floor(2 * years)
    share = 2 * years - whole
    exact = 100 * discounts[whole] * (discounts[whole + 1] / discounts[whole]) ** share
    return Decimal(repr(exact)).quantize(_PRICE_TICK)


def _discounts(par: Sequence[ParYield], count: int) -> list[float]:
    discounts = [1.0]
    annuity = 0.0
    for half_year in range(1, count + 1):
        coupon = _par_rate(par, half_year / 2) / 2
        discount = (1 - coupon * annuity) / (1 + coupon)
        annuity += discount
        discounts.append(discount)
    return discounts


def _par_rate(par: Sequence[ParYield], years: float) -> float:
    if years <= par[0].years:
        return par[0].rate
    for short, long in zip(par, par[1:], strict=False):
        if years <= long.years:
            share = (years - short.years) / (long.years - short.years)
            return short.rate + share * (long.rate - short.rate)
    return par[-1].rate
