"""The value of holdings: quantity x price, in the asset's and the account's currency. Pure.

    unit value   price * rate                          (account currency, exact)
    value        quantity * price                      (asset currency, rounded once)
    value_base   quantity * unit value                 (account currency, rounded once)
    gain         value_base - cost basis
    gain %       gain / cost basis * 100, null if the basis is 0
    weight       value_base / (sum of value_base + cash) * 100, null unless that total is > 0
    day change   quantity * (price - previous close) * rate, null if no close is known

Positions come from the ledger (cached for a minute, by version); prices are current. A rate
has its day and whether it is stale: a value is only as fresh as the older of price and rate.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.money import WIDE, converted, quantize
from marketdata.fx import Rate
from portfolios.prices.rule import Quote

HUNDRED = Decimal(100)
ZERO = Decimal(0)
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
    public: bool = True


@dataclass(frozen=True, slots=True)
class UnitValue:
    """One unit of an asset in another currency; `value` is None without a price or a rate."""

    quote: Quote | None
    rate: Rate | None
    value: Decimal | None

    @property
    def stale(self) -> bool:
        """Whether the price or the rate is stale."""
        return bool((self.quote and self.quote.stale) or (self.rate and self.rate.stale))


@dataclass(frozen=True, slots=True)
class Valued:
    """A holding and what it is worth now; None if no price or rate is known."""

    position: Position
    quote: Quote | None
    rate: Rate | None
    value: Decimal | None
    value_base: Decimal | None
    day_change_base: Decimal | None

    @property
    def gain(self) -> Decimal | None:
        return None if self.value_base is None else self.value_base - self.position.cost_basis

    @property
    def gain_percentage(self) -> Decimal | None:
        gain = self.gain
        return None if gain is None else percentage(gain, self.position.cost_basis)

    @property
    def average_cost(self) -> Decimal:
        """Cost basis of one unit, in the account's currency, unrounded."""
        return WIDE.divide(self.position.cost_basis, self.position.quantity)


@dataclass(frozen=True, slots=True)
class Valuation:
    """An account at one moment.

    Totals count priced holdings only; `unpriced` names the others. `stale` names holdings with a
    stale price, `stale_rates` the currencies whose rate is stale.
    """

    currency: str
    cash: Decimal
    holdings: tuple[Valued, ...]
    invested: Decimal
    total: Decimal
    cost_basis: Decimal
    priced_cost: Decimal
    day_change: Decimal
    unpriced: tuple[str, ...]
    stale: tuple[str, ...]
    stale_rates: tuple[str, ...]

    @property
    def gain(self) -> Decimal:
        """Unrealized gain of the priced holdings."""
        return self.invested - self.priced_cost

    @property
    def gain_percentage(self) -> Decimal | None:
        return percentage(self.gain, self.priced_cost)

    @property
    def day_change_percentage(self) -> Decimal | None:
        return percentage(self.day_change, self.total - self.day_change)

    def weight(self, row: Valued) -> Decimal | None:
        """Return the share of one holding in the total, in percent."""
        return None if row.value_base is None else percentage(row.value_base, self.total)

    @property
    def estimates(self) -> "Estimates":
        """Return the total of the holdings valued at the price of an own trade."""
        return estimates(
            parts=[(row.position.symbol, row.quote, row.value_base) for row in self.holdings],
            total=self.total,
        )

    @property
    def allocation(self) -> "tuple[Allocated, ...]":
        """The value and weight of each asset class, cash included, in order of their names."""
        parts = [(row.position.asset_class, row.value_base) for row in self.holdings]
        return allocation(cash=self.cash, parts=parts, total=self.total)


@dataclass(frozen=True, slots=True)
class Estimates:
    """The holdings without any price but that of an own trade.

    percentage: their share of the total, None unless that is positive; oldest_date: the day of
    their oldest price, None if there is none.
    """

    value: Decimal
    percentage: Decimal | None
    symbols: tuple[str, ...]
    oldest_date: date | None


def estimates(
    *, parts: Iterable[tuple[str, Quote | None, Decimal | None]], total: Decimal
) -> Estimates:
    """Return the estimated part of holdings, each given by its symbol, price and value."""
    found = [
        (symbol, quote.as_of.date(), value)
        for symbol, quote, value in parts
        if quote is not None and value is not None and quote.estimated
    ]
    value = sum((value for _, _, value in found), ZERO)
    return Estimates(
        value=value,
        percentage=percentage(value, total),
        symbols=tuple(sorted({symbol for symbol, _, _ in found})),
        oldest_date=min((day for _, day, _ in found), default=None),
    )


@dataclass(frozen=True, slots=True)
class Allocated:
    """The value of one asset class, and its share of the total in percent."""

    asset_class: str
    value: Decimal
    weight: Decimal | None


def allocation(
    *, cash: Decimal, parts: Iterable[tuple[str, Decimal | None]], total: Decimal
) -> tuple[Allocated, ...]:
    """Return the asset classes of `parts` (class and value) and of cash, in order of their names.

    A part without a value is not counted.
    """
    found: dict[str, Decimal] = {"cash": cash}
    for name, value in parts:
        if value is not None:
            found[name] = found.get(name, ZERO) + value
    return tuple(
        Allocated(name, value, percentage(value, total)) for name, value in sorted(found.items())
    )


def unit_value(*, quote: Quote | None, rate: Rate | None) -> UnitValue:
    """Return what one unit is worth in the currency that `rate` leads to, unrounded."""
    exact = None if quote is None or rate is None else WIDE.multiply(quote.price, rate.rate)
    return UnitValue(quote, rate, exact)


def valuation(
    *,
    currency: str,
    cash: Decimal,
    positions: Sequence[Position],
    quotes: Mapping[int, Quote],
    rates: Mapping[str, Rate],
) -> Valuation:
    """Value `positions` at `quotes` (by asset id) and `rates` (by the currency they come from)."""
    valued = tuple(
        _valued(position, quotes.get(position.asset_id), rates.get(position.currency), currency)
        for position in positions
    )
    priced = [row for row in valued if row.value_base is not None]
    invested = sum((row.value_base or ZERO for row in priced), ZERO)
    return Valuation(
        currency=currency,
        cash=cash,
        holdings=valued,
        invested=invested,
        total=invested + cash,
        cost_basis=sum((row.position.cost_basis for row in valued), ZERO),
        priced_cost=sum((row.position.cost_basis for row in priced), ZERO),
        day_change=sum((row.day_change_base or ZERO for row in valued), ZERO),
        unpriced=tuple(row.position.symbol for row in valued if row.value_base is None),
        stale=tuple(row.position.symbol for row in valued if row.quote and row.quote.stale),
        stale_rates=tuple(sorted({row.rate.base for row in valued if row.rate and row.rate.stale})),
    )


def _valued(position: Position, quote: Quote | None, rate: Rate | None, currency: str) -> Valued:
    if quote is None or rate is None:
        return Valued(position, quote, rate, None, None, None)
    exact = WIDE.multiply(position.quantity, quote.price)
    change = None
    if quote.previous_close is not None:
        moved = WIDE.multiply(position.quantity, quote.price - quote.previous_close)
        change = converted(moved, rate.rate, currency)
    value = quantize(exact, position.currency)
    same = rate.base == rate.quote
    return Valued(
        position,
        quote,
        rate,
        value,
        value if same else converted(exact, rate.rate, currency),
        change,
    )


def percentage(part: Decimal, whole: Decimal) -> Decimal | None:
    """Return part / whole in percent to four decimals; None unless the whole is positive."""
    if whole <= 0:
        return None
    return WIDE.divide(part * HUNDRED, whole).quantize(_PERCENT, context=WIDE)
