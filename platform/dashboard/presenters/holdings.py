"""A valuation as the portfolio page shows it: rows, weights, bars, gains, the ring. Pure.

day %        price / previous close - 1
weight       value / total account value          (cash included in the total)
live         what `prices.js` needs to compute all of this again when a price arrives
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.money import plain
from dashboard.presenters.figures import currency_decimals, currency_prefix
from dashboard.presenters.weights import Bar, Slice, bar, ring, scale_end
from portfolios.holdings.targets import CASH_SYMBOL, TargetWeight
from portfolios.holdings.valuation import Estimates, Valuation, Valued, percentage

HUNDRED = Decimal(100)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Aim:
    """A target in percent and how far the weight may drift."""

    target: Decimal
    threshold: Decimal


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the holdings table."""

    symbol: str
    name: str
    asset_class: str
    currency: str
    quantity: Decimal
    price: Decimal | None
    as_of: datetime | None
    stale: bool
    source: str
    day_percentage: Decimal | None
    value: Decimal | None
    value_local: Decimal | None
    day_change: Decimal | None
    cost_basis: Decimal
    average_cost: Decimal
    gain: Decimal | None
    gain_percentage: Decimal | None
    weight: Decimal | None
    aim: Aim | None
    bar: Bar


@dataclass(frozen=True, slots=True)
class Portfolio:
    """All figures the portfolio page shows of one account."""

    currency: str
    total: Decimal
    cash: Decimal
    cash_weight: Decimal | None
    cash_aim: Aim | None
    cash_bar: Bar
    day_change: Decimal
    day_percentage: Decimal | None
    gain: Decimal
    gain_percentage: Decimal | None
    rows: tuple[Row, ...]
    not_held: tuple[tuple[str, Aim], ...]
    ring: tuple[Slice, ...]
    scale_end: Decimal
    outside: int
    unpriced: tuple[str, ...]
    estimates: Estimates
    stale: tuple[str, ...]
    stale_rates: tuple[tuple[str, date], ...]

    @property
    def has_aims(self) -> bool:
        return bool(self.cash_aim or self.not_held or any(row.aim is not None for row in self.rows))

    @property
    def drift(self) -> Decimal | None:
        """The share of the account that is out of place, in percent; None without targets."""
        if not self.has_aims or self.cash_weight is None:
            return None
        pairs = [(row.weight or ZERO, row.aim) for row in self.rows]
        pairs += [(self.cash_weight, self.cash_aim), *((ZERO, aim) for _, aim in self.not_held)]
        return sum((abs(weight - (aim.target if aim else ZERO)) for weight, aim in pairs), ZERO) / 2


def portfolio(*, value: Valuation, aims: Mapping[str, Aim]) -> Portfolio:
    """Return the page's figures for `value` against `aims` (by symbol; CASH for cash)."""
    weights = [value.weight(row) for row in value.holdings]
    cash_weight = percentage(value.cash, value.total)
    known = [weight for weight in (*weights, cash_weight) if weight is not None]
    end = scale_end(weights=known, bands=[(aim.target, aim.threshold) for aim in aims.values()])
    rows = sorted(
        (_row(row, value, aims.get(row.position.symbol), end) for row in value.holdings),
        key=lambda row: (-(row.value or Decimal(0)), row.symbol),
    )
    held = {row.symbol for row in rows}
    cash_bar = _bar(cash_weight, aims.get(CASH_SYMBOL), end)
    return Portfolio(
        currency=value.currency,
        total=value.total,
        cash=value.cash,
        cash_weight=cash_weight,
        cash_aim=aims.get(CASH_SYMBOL),
        cash_bar=cash_bar,
        day_change=value.day_change,
        day_percentage=value.day_change_percentage,
        gain=value.gain,
        gain_percentage=value.gain_percentage,
        rows=tuple(rows),
        not_held=tuple(
            (symbol, aim)
            for symbol, aim in aims.items()
            if symbol != CASH_SYMBOL and symbol not in held and aim.target > 0
        ),
        ring=tuple(
            ring(
                parts=[(row.symbol, row.symbol, row.weight or Decimal(0)) for row in rows],
                cash=cash_weight,
            )
        ),
        scale_end=end,
        outside=sum(row.bar.out for row in rows) + cash_bar.out,
        unpriced=value.unpriced,
        estimates=value.estimates,
        stale=value.stale,
        stale_rates=tuple(
            (rate.base, rate.date)
            for rate in {row.rate.base: row.rate for row in value.holdings if row.rate}.values()
            if rate.stale
        ),
    )


def _row(row: Valued, value: Valuation, aim: Aim | None, end: Decimal) -> Row:
    position, quote = row.position, row.quote
    weight = value.weight(row)
    day = None
    if quote is not None and quote.previous_close:
        day = percentage(quote.price - quote.previous_close, quote.previous_close)
    return Row(
        symbol=position.symbol,
        name=position.name,
        asset_class=position.asset_class,
        currency=position.currency,
        quantity=position.quantity,
        price=quote.price if quote else None,
        as_of=quote.as_of if quote else None,
        stale=quote.stale if quote else True,
        source=quote.source if quote else "",
        day_percentage=day,
        value=row.value_base,
        value_local=row.value,
        day_change=row.day_change_base,
        cost_basis=position.cost_basis,
        average_cost=row.average_cost,
        gain=row.gain,
        gain_percentage=row.gain_percentage,
        weight=weight,
        aim=aim,
        bar=_bar(weight, aim, end),
    )


def _bar(weight: Decimal | None, aim: Aim | None, end: Decimal) -> Bar:
    return bar(
        weight=weight,
        target=aim.target if aim else None,
        threshold=aim.threshold if aim else None,
        end=end,
    )


def live_account(
    *, account_id: str, value: Valuation, to_base: Decimal | None = None
) -> dict[str, object]:
    """Return the data with which the page's script keeps an account's figures current."""
    return {
        "id": account_id,
        "cash": plain(value.cash),
        "decimals": currency_decimals(value.currency),
        "prefix": currency_prefix(value.currency),
        "to_base": None if to_base is None else plain(to_base),
        "positions": [
            {
                "symbol": row.position.symbol,
                "quantity": plain(row.position.quantity),
                "cost_basis": plain(row.position.cost_basis),
                "rate": plain(row.rate.rate) if row.rate is not None else None,
                "price": plain(row.quote.price) if row.quote else None,
                "previous_close": (
                    plain(row.quote.previous_close)
                    if row.quote and row.quote.previous_close is not None
                    else None
                ),
                "decimals": currency_decimals(row.position.currency),
                "prefix": currency_prefix(row.position.currency),
                "stale": row.quote.stale if row.quote else True,
                # An own asset may have the symbol of a public one, whose quotes are not its own.
                "feed": row.position.public,
            }
            for row in value.holdings
        ],
    }


def aims_of(weights: Sequence[TargetWeight]) -> dict[str, Aim]:
    """Return target weights by symbol."""
    return {row.symbol: Aim(row.target_percentage, row.band) for row in weights}
