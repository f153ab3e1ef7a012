"""Every holding of every account as one line of a table, in one currency. Pure.

    value          the account's part of the household's value (`households`), so that the lines
                   and the cash of the accounts sum to the total
    weight         value / total of the accounts shown, cash included
    target         of the account; drift = weight in the account - target, in percentage points
    income         dividends, reinvested ones included, and interest of the last 12 months
    total gain     open gain + realized gain + all income so far of the holding in its account,
                   before withheld tax
    total return   total gain / (cost of the shares held + cost of those sold), in percent; not a
                   rate per year. None without a price

Amounts of an account are converted at the present rate. A loss that a wash sale moved into the
basis of replacement shares counts once: it is added back to the sale that made it.

Worked example: 10 bought at 20 and 4 of them sold at 25; the price is 22, dividends were 6. Open
gain 12, realized 20, income 6: a total gain of 38 on a cost of 200 is 19 %.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from core.money import converted
from portfolios.holdings.households import AccountPart, HouseholdValue, converted_values
from portfolios.holdings.valuation import ZERO, Position, Valued, percentage
from portfolios.prices.rule import Quote


@dataclass(frozen=True, slots=True)
class Past:
    """What a holding brought so far, in the account's currency.

    `income` is of the last 12 months, `income_ever` of all time. `realized` is the economic gain of
    all sales, `realized_cost` what the shares sold had cost.
    """

    income: Decimal = ZERO
    income_ever: Decimal = ZERO
    realized: Decimal = ZERO
    realized_cost: Decimal = ZERO


NO_PAST = Past()


@dataclass(frozen=True, slots=True)
class Line:
    """One holding in one account; amounts in the currency of the table."""

    account_id: UUID
    account: str
    account_currency: str
    position: Position
    quote: Quote | None
    # The oldest day of a stale exchange rate that the value needs; None if all are new enough.
    stale_rate: date | None
    value: Decimal | None
    cost_basis: Decimal
    day_change: Decimal | None
    weight: Decimal | None
    account_weight: Decimal | None
    past: Past

    @property
    def gain(self) -> Decimal | None:
        return None if self.value is None else self.value - self.cost_basis

    @property
    def gain_percentage(self) -> Decimal | None:
        return _share(self.gain, self.cost_basis)

    @property
    def day_percentage(self) -> Decimal | None:
        if self.value is None or self.day_change is None:
            return None
        return percentage(self.day_change, self.value - self.day_change)

    @property
    def total_gain(self) -> Decimal | None:
        gain = self.gain
        return None if gain is None else gain + self.past.realized + self.past.income_ever

    @property
    def total_return(self) -> Decimal | None:
        return _share(self.total_gain, self.cost_basis + self.past.realized_cost)

    @property
    def drift(self) -> Decimal | None:
        target = self.position.target_percentage
        if target is None or self.account_weight is None:
            return None
        return self.account_weight - target

    @property
    def outside(self) -> bool:
        """Whether the weight in the account is outside the band around its target."""
        drift, band = self.drift, self.position.rebalance_threshold
        return drift is not None and band is not None and abs(drift) > band

    @property
    def as_of(self) -> datetime | None:
        return self.quote.as_of if self.quote else None


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of some lines, over those with a price; `count` counts all of them."""

    count: int
    value: Decimal
    day_change: Decimal
    gain: Decimal
    gain_percentage: Decimal | None
    day_percentage: Decimal | None
    total_gain: Decimal
    total_return: Decimal | None
    income: Decimal
    weight: Decimal | None
    unpriced: int


def lines(*, household: HouseholdValue, past: Mapping[tuple[UUID, int], Past]) -> tuple[Line, ...]:
    """Return the lines of a valued household, in the order of its accounts.

    `past` by account and asset, in each account's currency. Accounts without a rate are left out.
    """
    currency, found = household.currency, []
    for part in household.accounts:
        if part.rate is None:
            continue
        value, rate = part.value, part.rate
        worth = converted_values(value, rate, currency)
        for row, amount in zip(value.holdings, worth, strict=True):
            change = row.day_change_base
            brought = past.get((part.account_id, row.position.asset_id), NO_PAST)
            found.append(
                Line(
                    account_id=part.account_id,
                    account=part.name,
                    account_currency=value.currency,
                    position=row.position,
                    quote=row.quote,
                    stale_rate=_stale_rate(row, part),
                    value=amount,
                    cost_basis=converted(row.position.cost_basis, rate, currency),
                    day_change=None if change is None else converted(change, rate, currency),
                    weight=household.weight(amount),
                    account_weight=value.weight(row),
                    past=_converted_past(brought, rate, currency),
                )
            )
    return tuple(found)


def sums(chosen: Iterable[Line], *, total: Decimal) -> Sums:
    """Return the sums of lines; `total` is what weights are shares of."""
    rows = list(chosen)
    priced = [row for row in rows if row.value is not None]
    value = _sum(row.value for row in priced)
    cost = _sum(row.cost_basis for row in priced)
    change = _sum(row.day_change for row in priced)
    total_gain = _sum(row.total_gain for row in priced)
    return Sums(
        count=len(rows),
        value=value,
        day_change=change,
        gain=value - cost,
        gain_percentage=percentage(value - cost, cost),
        day_percentage=percentage(change, value - change),
        total_gain=total_gain,
        total_return=percentage(total_gain, cost + _sum(row.past.realized_cost for row in priced)),
        income=_sum(row.past.income for row in rows),
        weight=percentage(value, total),
        unpriced=len(rows) - len(priced),
    )


def _stale_rate(row: Valued, part: AccountPart) -> date | None:
    days = [row.rate.date] if row.rate and row.rate.stale else []
    if part.rate_stale and part.rate_date:
        days.append(part.rate_date)
    return min(days, default=None)


def _converted_past(past: Past, rate: Decimal, currency: str) -> Past:
    if past is NO_PAST:
        return past
    return Past(
        income=converted(past.income, rate, currency),
        income_ever=converted(past.income_ever, rate, currency),
        realized=converted(past.realized, rate, currency),
        realized_cost=converted(past.realized_cost, rate, currency),
    )


def _share(part: Decimal | None, whole: Decimal) -> Decimal | None:
    return None if part is None else percentage(part, whole)


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), ZERO)
