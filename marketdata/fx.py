"""Exchange rates crossed through the euro, exactly. Pure.

    fixing(c)          units of currency c for one euro on a day; fixing(EUR) = 1
    rate(base, quote)  units of quote for one base = fixing(quote) / fixing(base), to ten decimals

A cross is as old as the older of its two fixings. A fixing is stale when more than one working day
has passed since its own: reference rates appear once per working day, in the afternoon, so that
Friday's is the newest until Monday's.

Worked example: EUR/USD 1.0850 and EUR/GBP 0.8350 give GBP/USD 1.2994011976.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal

EURO = "EUR"
_CONTEXT = Context(prec=40, rounding=ROUND_HALF_EVEN)
_TEN_DECIMALS = Decimal("1e-10")
_FRESH_WORKING_DAYS = 1


@dataclass(frozen=True, slots=True)
class Fixing:
    """Units of a currency for one euro, and the day they were fixed."""

    rate: Decimal
    date: date


@dataclass(frozen=True, slots=True)
class Rate:
    """Units of `quote` for one `base`."""

    base: str
    quote: str
    rate: Decimal
    date: date
    stale: bool


def crossed(*, base: str, quote: str, fixings: Mapping[str, Fixing], as_of: date) -> Rate | None:
    """The rate of a pair on `as_of` out of the newest fixings; None where one is missing."""
    if base == quote:
        return Rate(base, quote, Decimal(1), as_of, stale=False)
    from_base = _fixing(base, fixings, as_of)
    to_quote = _fixing(quote, fixings, as_of)
    if from_base is None or to_quote is None:
        return None
    rate = _CONTEXT.divide(to_quote.rate, from_base.rate).quantize(_TEN_DECIMALS, context=_CONTEXT)
    if rate <= 0:
        return None  # too small for ten decimals; no money can be counted with it
    day = min(from_base.date, to_quote.date)
    return Rate(base, quote, rate, day, stale=is_stale(fixed_on=day, as_of=as_of))


def _fixing(currency: str, fixings: Mapping[str, Fixing], as_of: date) -> Fixing | None:
    return Fixing(Decimal(1), as_of) if currency == EURO else fixings.get(currency)


def is_stale(*, fixed_on: date, as_of: date) -> bool:
    """Whether more than one working day (Monday to Friday) has passed since the fixing."""
    return weekday_number(as_of) - weekday_number(fixed_on) > _FRESH_WORKING_DAYS


def weekday_number(day: date) -> int:
    """Working days since an old Monday; Saturday and Sunday count as the Friday before."""
    weeks, weekday = divmod(day.toordinal() - 1, 7)
    return 5 * weeks + min(weekday, 4)
