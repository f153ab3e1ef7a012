"""The value of a household: its accounts summed in one currency. Pure.

    total        sum over accounts of the account's total, converted and rounded once
    holding      sum over accounts of its value there, converted and rounded
    parts        an account's holdings and cash sum to its converted total. Its cash is rounded
                 alone, its holdings by largest remainder to what the total leaves

Largest remainder is the field's rule, and the rule of every other sum here (`core.money`): each
holding is shown within a cent of its exact value (two, where cash was rounded the other way). The
alternative, rounding each alone and correcting the largest holding, moves that one by up to half a
cent for each of the others.

An account whose currency has no rate is named in `unconverted` and counts nowhere.

Worked example: 10 A at 3.33 EUR and 20.00 EUR of cash at 1.25 are 41.63 + 25.00 = 66.63 USD; the
account's total of 53.30 EUR is 66.63 USD (66.625): the parts sum to it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from core.limits import FX_RATE_DECIMALS, MONEY_DECIMALS
from core.money import WIDE, converted, largest_remainder, minor_unit
from portfolios.holdings.valuation import (
    ZERO,
    Allocated,
    Estimates,
    Position,
    Valuation,
    Valued,
    allocation,
    estimates,
    percentage,
)
from portfolios.prices.rule import Quote

_DECIMALS = MONEY_DECIMALS + FX_RATE_DECIMALS


@dataclass(frozen=True, slots=True)
class AccountPart:
    """An account of the household; `rate`: units of the household's currency for one of its own.

    `rate_stale`: whether that rate is older than it should be; `rate_date`: the day it was fixed.
    """

    account_id: UUID
    name: str
    type: str
    value: Valuation
    rate: Decimal | None
    rate_stale: bool = False
    rate_date: date | None = None


@dataclass(frozen=True, slots=True)
class HeldIn:
    """A security in one account, valued in the household's currency; None without a price."""

    account_id: UUID
    quantity: Decimal
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class HouseholdHolding:
    """A security over all accounts; amounts in the household's currency."""

    position: Position
    quote: Quote | None
    quantity: Decimal
    value: Decimal | None
    cost_basis: Decimal
    day_change: Decimal | None
    accounts: tuple[HeldIn, ...]

    @property
    def gain(self) -> Decimal | None:
        return None if self.value is None else self.value - self.cost_basis

    @property
    def gain_percentage(self) -> Decimal | None:
        gain = self.gain
        return None if gain is None else percentage(gain, self.cost_basis)


@dataclass(frozen=True, slots=True)
class HouseholdValue:
    """A household at one moment, in one currency."""

    currency: str
    accounts: tuple[AccountPart, ...]
    holdings: tuple[HouseholdHolding, ...]
    total: Decimal
    cash: Decimal
    gain: Decimal
    priced_cost: Decimal
    day_change: Decimal
    unconverted: tuple[str, ...]
    unpriced: tuple[str, ...]
    stale: tuple[str, ...]
    stale_rates: tuple[str, ...]

    @property
    def invested(self) -> Decimal:
        return self.total - self.cash

    @property
    def gain_percentage(self) -> Decimal | None:
        return percentage(self.gain, self.priced_cost)

    @property
    def day_change_percentage(self) -> Decimal | None:
        return percentage(self.day_change, self.total - self.day_change)

    def account_total(self, part: AccountPart) -> Decimal | None:
        """Return an account's total in the household's currency; None without a rate."""
        return None if part.rate is None else converted(part.value.total, part.rate, self.currency)

    def weight(self, value: Decimal | None) -> Decimal | None:
        """Return the share of a value in the household's total, in percent."""
        return None if value is None else percentage(value, self.total)

    @property
    def estimates(self) -> Estimates:
        """Return the total of the holdings valued at the price of an own trade."""
        return estimates(
            parts=[(row.position.symbol, row.quote, row.value) for row in self.holdings],
            total=self.total,
        )

    @property
    def allocation(self) -> tuple[Allocated, ...]:
        """The value and weight of each asset class, cash included, in order of their names."""
        parts = [(row.position.asset_class, row.value) for row in self.holdings]
        return allocation(cash=self.cash, parts=parts, total=self.total)


def household_value(*, currency: str, accounts: Sequence[AccountPart]) -> HouseholdValue:
    """Return the household's value in `currency`; accounts stay in the order given."""
    counted = [(part, part.rate) for part in accounts if part.rate is not None]

    def total_of(name: str) -> Decimal:
        return sum(
            (converted(getattr(part.value, name), rate, currency) for part, rate in counted), ZERO
        )

    return HouseholdValue(
        currency=currency,
        accounts=tuple(accounts),
        holdings=_holdings(counted, currency),
        total=total_of("total"),
        cash=total_of("cash"),
        gain=total_of("gain"),
        priced_cost=total_of("priced_cost"),
        day_change=total_of("day_change"),
        unconverted=tuple(part.name for part in accounts if part.rate is None),
        unpriced=_names(symbol for part, _ in counted for symbol in part.value.unpriced),
        stale=_names(symbol for part, _ in counted for symbol in part.value.stale),
        stale_rates=_names(
            [
                *(currency for part, _ in counted for currency in part.value.stale_rates),
                *(part.value.currency for part, _ in counted if part.rate_stale),
            ]
        ),
    )


def _names(symbols: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(symbols)))


def _holdings(
    counted: Sequence[tuple[AccountPart, Decimal]], currency: str
) -> tuple[HouseholdHolding, ...]:
    found: dict[int, HouseholdHolding] = {}
    for part, rate in counted:
        for row, value in zip(
            part.value.holdings, converted_values(part.value, rate, currency), strict=True
        ):
            one = _one(part, row, value, rate, currency)
            before = found.get(row.position.asset_id)
            found[row.position.asset_id] = one if before is None else _sum(before, one)
    return tuple(
        sorted(found.values(), key=lambda row: (row.position.symbol, row.position.asset_id))
    )


def converted_values(value: Valuation, rate: Decimal, currency: str) -> list[Decimal | None]:
    """Return the converted values of an account's holdings; with the cash they sum to its total."""
    exact = [
        None if row.value_base is None else WIDE.multiply(row.value_base, rate)
        for row in value.holdings
    ]
    unit = minor_unit(currency)
    invested = converted(value.total, rate, currency) - converted(value.cash, rate, currency)
    parts = iter(
        largest_remainder(
            [_whole(amount) for amount in exact if amount is not None],
            step=_whole(unit),
            steps=int(invested / unit),
        )
    )
    return [None if amount is None else next(parts) * unit for amount in exact]


def _whole(amount: Decimal) -> int:
    """Return an amount in 10^-28: money times a rate has no more decimals."""
    return int(amount.scaleb(_DECIMALS, context=WIDE))


def _one(
    part: AccountPart, row: Valued, value: Decimal | None, rate: Decimal, currency: str
) -> HouseholdHolding:
    change = row.day_change_base
    return HouseholdHolding(
        position=row.position,
        quote=row.quote,
        quantity=row.position.quantity,
        value=value,
        cost_basis=converted(row.position.cost_basis, rate, currency),
        day_change=None if change is None else converted(change, rate, currency),
        accounts=(HeldIn(part.account_id, row.position.quantity, value),),
    )


def _sum(one: HouseholdHolding, other: HouseholdHolding) -> HouseholdHolding:
    return replace(
        one,
        quantity=one.quantity + other.quantity,
        value=_added(one.value, other.value),
        cost_basis=one.cost_basis + other.cost_basis,
        day_change=_added(one.day_change, other.day_change),
        accounts=one.accounts + other.accounts,
    )


def _added(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return the sum of what is known; None where neither is."""
    if one is None or other is None:
        return one if other is None else other
    return one + other
