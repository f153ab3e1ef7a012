"""What holdings are worth: quantity x price, in the asset's and the account's currency. Pure.

    value        quantity * price                      (asset currency, rounded)
    value_base   quantity * price * rate               (account currency, rounded)
    gain         value_base - cost basis
    gain %       gain / cost basis * 100, null where the basis is 0
    weight       value_base / (sum of value_base + cash) * 100, null where that total is not > 0
    day change   quantity * (price - previous close) * rate, null where no close is known

Positions are what the ledger says (cached a minute, by version); prices are this second's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.dates import instant_text
from core.money import WIDE, plain, quantize

HUNDRED = Decimal(100)
_PERCENT = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Position:
    """A holding as the ledger has it."""

    asset_id: int
    symbol: str
    name: str
    asset_class: str
    currency: str
    quantity: Decimal
    cost_basis: Decimal
    target_percentage: Decimal | None
    rebalance_threshold: Decimal | None


@dataclass(frozen=True, slots=True)
class Quote:
    """A price and how far it can be trusted."""

    price: Decimal
    as_of: datetime
    stale: bool
    previous_close: Decimal | None


@dataclass(frozen=True, slots=True)
class Valued:
    """A holding and what it is worth now; None where no price or rate is known."""

    position: Position
    quote: Quote | None
    rate: Decimal | None
    value: Decimal | None
    value_base: Decimal | None
    day_change_base: Decimal | None


@dataclass(frozen=True, slots=True)
class Valuation:
    """An account at one moment; totals count priced holdings only and say if some were not."""

    currency: str
    cash: Decimal
    holdings: tuple[Valued, ...]
    invested: Decimal
    total: Decimal
    cost_basis: Decimal
    day_change: Decimal
    unpriced: tuple[str, ...]
    stale: tuple[str, ...]


def valuation(
    *,
    currency: str,
    cash: Decimal,
    positions: Sequence[Position],
    quotes: Mapping[int, Quote],
    rates: Mapping[str, Decimal],
) -> Valuation:
    """Values `positions` at `quotes` (by asset id) and `rates` (account units for one unit)."""
    valued = tuple(
        _valued(position, quotes.get(position.asset_id), rates.get(position.currency), currency)
        for position in positions
    )
    invested = sum((row.value_base for row in valued if row.value_base is not None), Decimal(0))
    return Valuation(
        currency=currency,
        cash=cash,
        holdings=valued,
        invested=invested,
        total=invested + cash,
        cost_basis=sum((row.position.cost_basis for row in valued), Decimal(0)),
        day_change=sum((row.day_change_base or Decimal(0) for row in valued), Decimal(0)),
        unpriced=tuple(row.position.symbol for row in valued if row.value_base is None),
        stale=tuple(row.position.symbol for row in valued if row.quote and row.quote.stale),
    )


def _valued(position: Position, quote: Quote | None, rate: Decimal | None, currency: str) -> Valued:
    if quote is None or rate is None:
        return Valued(position, quote, rate, None, None, None)
    exact = position.quantity * quote.price
    change = None
    if quote.previous_close is not None:
        change = quantize(position.quantity * (quote.price - quote.previous_close) * rate, currency)
    return Valued(
        position,
        quote,
        rate,
        quantize(exact, position.currency),
        quantize(exact * rate, currency),
        change,
    )


def percentage(part: Decimal, whole: Decimal) -> Decimal | None:
    """part / whole in percent to four decimals; None where the whole is not positive."""
    if whole <= 0:
        return None
    return (part / whole * HUNDRED).quantize(_PERCENT, context=WIDE)


def holding_row(row: Valued, *, account_currency: str, total: Decimal) -> dict[str, object]:
    """A holding as the API and the pages show it."""
    position, quote = row.position, row.quote
    gain = None if row.value_base is None else row.value_base - position.cost_basis
    average = (position.cost_basis / position.quantity).quantize(_PERCENT, context=WIDE)
    weight = None if row.value_base is None else percentage(row.value_base, total)
    return {
        "symbol": position.symbol,
        "name": position.name,
        "asset_class": position.asset_class,
        "quantity": plain(position.quantity),
        "price": plain(quote.price) if quote else None,
        "as_of": instant_text(quote.as_of) if quote else None,
        "stale": quote.stale if quote else True,
        "currency": position.currency,
        "market_value": _text(row.value),
        "account_currency": account_currency,
        "exchange_rate": _text(row.rate),
        "market_value_account": _text(row.value_base),
        "cost_basis": str(quantize(position.cost_basis, account_currency)),
        "average_cost": plain(average),
        "unrealized_gain": None if gain is None else f"{quantize(gain, account_currency):f}",
        "unrealized_gain_percentage": (
            _text(percentage(gain, position.cost_basis)) if gain is not None else None
        ),
        "day_change": _text(row.day_change_base),
        "weight": _text(weight),
        "target_percentage": _text(position.target_percentage),
        "rebalance_threshold": _text(position.rebalance_threshold),
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")
