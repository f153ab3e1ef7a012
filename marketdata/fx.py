"""Exchange rates crossed through the euro: the only place that computes a rate. Pure.

    fixing(c)          units of currency c for one euro on a day; fixing(EUR) = 1
    rate(base, quote)  units of quote for one base = fixing(quote) / fixing(base), kept to 18
                       significant digits and at most 24 decimals

Rates keep significant digits, because a fixed number of decimals leaves few digits to small
currencies: ten decimals of IDR/USD hold six digits, an error of half a dollar on 15 billion rupiah.

A cross has the day of the older of its two fixings. A fixing is stale when more than one working
day has passed since its own day. Reference rates appear once per working day, in the afternoon, so
Friday's rate is the newest until Monday's.

Worked example: EUR/USD 1.0850 and EUR/GBP 0.8350 give GBP/USD 1.29940119760479042.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache

from core.limits import FX_RATE_DECIMALS, FX_RATE_SIGNIFICANT_DIGITS

EURO = "EUR"
_SIGNIFICANT = Context(prec=FX_RATE_SIGNIFICANT_DIGITS, rounding=ROUND_HALF_EVEN)
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)
_SMALLEST = Decimal(1).scaleb(-FX_RATE_DECIMALS)
_FRESH_WORKING_DAYS = 1


@dataclass(frozen=True, slots=True)
class Fixing:
    """Units of a currency for one euro, and the day they were fixed."""

    rate: Decimal
    date: date


@dataclass(frozen=True, slots=True)
class Rate:
    """Units of `quote` for one `base`, the day it was fixed, and whether it is stale."""

    base: str
    quote: str
    rate: Decimal
    date: date
    stale: bool


def crossed(*, base: str, quote: str, fixings: Mapping[str, Fixing], as_of: date) -> Rate | None:
    """Return the rate of a pair on `as_of` from the newest fixings; None if one is missing."""
    if base == quote:
        return Rate(base, quote, Decimal(1), as_of, stale=False)
    from_base = _fixing(base, fixings, as_of)
    to_quote = _fixing(quote, fixings, as_of)
    if from_base is None or to_quote is None:
        return None
    rate = crossed_rate(to_quote.rate, from_base.rate)
    if rate is None:
        return None
    day = min(from_base.date, to_quote.date)
    return Rate(base, quote, rate, day, stale=is_stale(fixed_on=day, as_of=as_of))


def crossed_rate(to_quote: Decimal, from_base: Decimal) -> Decimal | None:
    """Return units of one currency for one of another, from the fixings of both against the euro.

    None: too small for 24 decimals, so useless for money.
    """
    rate = _divided(to_quote, from_base)
    return rate if rate > 0 else None


def kept(rate: Decimal) -> Decimal:
    """Return the digits of a rate that are kept: 18 significant ones, at most 24 decimals."""
    significant = _SIGNIFICANT.plus(rate)
    exponent = significant.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -FX_RATE_DECIMALS:
        return _WIDE.quantize(rate, _SMALLEST)
    return significant


# A history of ten years crosses the same few thousand pairs of fixings in every request.
@lru_cache(maxsize=65_536)
def _divided(quote_rate: Decimal, base_rate: Decimal) -> Decimal:
    return kept(_WIDE.divide(quote_rate, base_rate))


def _fixing(currency: str, fixings: Mapping[str, Fixing], as_of: date) -> Fixing | None:
    return Fixing(Decimal(1), as_of) if currency == EURO else fixings.get(currency)


def is_stale(*, fixed_on: date, as_of: date) -> bool:
    """Return whether more than one working day (Monday to Friday) has passed since the fixing."""
    return weekday_number(as_of) - weekday_number(fixed_on) > _FRESH_WORKING_DAYS


def weekday_number(day: date) -> int:
    """Return the working days since an old Monday; Saturday and Sunday count as the Friday."""
    weeks, weekday = divmod(day.toordinal() - 1, 7)
    return 5 * weeks + min(weekday, 4)
