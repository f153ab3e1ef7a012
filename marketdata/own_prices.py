"""A household's own prices as they are entered, and the price of one unit they mean. Pure.

    currency   another currency than the asset's is converted at the fixing of the price's day
    nominal    a bond quoted in percent of par: price of one unit = stated / 100 * nominal, where
               `nominal` is the nominal value of one unit in the ledger. 98.5 with nominal 1 means
               0.985; with nominal 1,000 it means 985
    adjusted   a publisher divided prices before a split by its ratio: `adjusted_until` is the
               newest day of its file, in whose units all its prices are

Worked example: 98.50 EUR in percent of par, nominal 100, of a bond in USD at 1.08: 106.38 USD.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.currencies import CURRENCIES
from core.limits import EARLIEST_DATE, PRICE_DECIMALS, PRICE_MAX
from core.money import WIDE, plain

PRICE_STEP = Decimal(1).scaleb(-PRICE_DECIMALS)
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class StatedPrice:
    """A price as the household states it; without a currency it is in the asset's."""

    day: date
    price: Decimal
    currency: str = ""
    nominal: Decimal | None = None
    adjusted_until: date | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a stated price is refused: a code, the field at fault, and what to do."""

    code: str
    field: str
    detail: str


def needed_rates(
    prices: Iterable[tuple[StatedPrice, str]],
) -> list[tuple[str, str, date]]:
    """Return the (base, quote, day) of the rates that prices and their assets' currencies need."""
    return sorted(
        {
            (one.currency, currency, one.day)
            for one, currency in prices
            if one.currency and one.currency != currency and one.currency in CURRENCIES
        }
    )


def price_fault(price: StatedPrice, *, as_of: date) -> Fault | None:
    """Return why a price is refused whatever its asset is, or None."""
    if price.day > as_of:
        return Fault("date_in_future", "date", "The day must not be in the future.")
    if price.day < EARLIEST_DATE:
        return Fault("date_too_early", "date", f"The day must be on or after {EARLIEST_DATE}.")
    if price.currency and price.currency not in CURRENCIES:
        return Fault(
            "currency_unknown",
            "currency",
            f"{price.currency[:8]} is not a supported currency. Send an ISO 4217 code such as USD.",
        )
    for field, value in (("close", price.price), ("nominal", price.nominal)):
        fault = None if value is None else _number_fault(field, value)
        if fault is not None:
            return fault
    return None


def _number_fault(field: str, value: Decimal) -> Fault | None:
    name = "The price" if field == "close" else "The nominal value"
    if not value.is_finite():
        return Fault("price_not_finite", field, f"{name} must be a number.")
    if value > PRICE_MAX:
        return Fault("price_too_large", field, f"{name} must be at most {plain(PRICE_MAX)}.")
    if value <= 0 or value.quantize(PRICE_STEP) <= 0:
        return Fault("price_not_positive", field, f"{name} must be greater than zero.")
    return None


def unit_price(
    price: StatedPrice, *, currency: str, rates: Mapping[tuple[str, str, date], Decimal]
) -> Decimal | Fault:
    """Return the price of one unit in `currency`, to eight decimals; a Fault if it has none."""
    exact = price.price
    if price.nominal is not None:
        exact = WIDE.divide(WIDE.multiply(exact, price.nominal), _HUNDRED)
    if price.currency and price.currency != currency:
        rate = rates.get((price.currency, currency, price.day))
        if rate is None:
            return Fault(
                "exchange_rate_missing",
                "currency",
                f"No exchange rate from {price.currency} to {currency} is available for "
                f"{price.day}. State the price in {currency}.",
            )
        exact = WIDE.multiply(exact, rate)
    rounded = exact.quantize(PRICE_STEP, context=WIDE)
    return _number_fault("close", rounded) or rounded
