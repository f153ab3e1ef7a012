"""Income as it was paid: each payment once in its own, the account's and the household's currency.

    gross        of a dividend or interest: the cash it moved plus the fee taken from it
    reinvested   a dividend that bought units at once: their price before the fee, an income too
    tax          withheld: beside the gross amount, never part of it. Net = gross - tax
    returned     capital that a security gave back: it lowers the basis and is no income
    units        a stock dividend: units without money, no income, listed with its units

Each amount is rounded once per currency, at the rate of its day: that of the booking into the
account's currency, the fixing of the day into the household's. Sums are sums of these rounded
amounts, so that months, holdings and kinds each sum to the total exactly. Reversed payments and
their reversals are absent.

Worked example: 50.00 EUR with 7.50 withheld, booked at 1.10 in a dollar account: gross 55.00 USD,
tax 8.25, net 46.75. Of a household in euro that day's fixing (1.10) gives back 50.00, 7.50, 42.50.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from core.money import WIDE, converted, quantize

ZERO = Decimal(0)

DIVIDEND = "dividend"
INTEREST = "interest"
REINVESTED = "reinvestment"
TAX = "tax"
RETURNED = "return_of_capital"
UNITS = "stock_dividend"
INCOME = frozenset({DIVIDEND, INTEREST, REINVESTED})


@dataclass(frozen=True, slots=True)
class Booked:
    """A transaction that paid, as the ledger has it."""

    transaction_id: UUID
    account_id: UUID
    account: str
    account_currency: str
    asset_id: int | None
    symbol: str
    name: str
    kind: str
    date: date
    currency: str
    amount: Decimal
    fee: Decimal
    fx_rate: Decimal
    cash_effect: Decimal
    quantity: Decimal | None


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment in three currencies; `amount_household` None without a rate of its day.

    `amount` is positive, that of withheld tax too.
    """

    booked: Booked
    amount: Decimal
    amount_account: Decimal
    amount_household: Decimal | None

    @property
    def is_income(self) -> bool:
        return self.booked.kind in INCOME


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums in the household's currency; income is gross, before the tax withheld."""

    income: Decimal = ZERO
    dividends: Decimal = ZERO
    interest: Decimal = ZERO
    reinvested: Decimal = ZERO
    tax: Decimal = ZERO
    returned: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        return self.income - self.tax


def payment(row: Booked, *, household_currency: str, rate: Decimal | None) -> Payment:
    """Return a booked payment; `rate`: units of the household's currency for one of the account's.

    None: there is no fixing up to its day.
    """
    home = row.account_currency
    exact = account_amount(row)
    return Payment(
        booked=row,
        amount=quantize(row.amount, row.currency),
        amount_account=quantize(exact, home),
        amount_household=None if rate is None else converted(exact, rate, household_currency),
    )


def account_amount(row: Booked) -> Decimal:
    """Return the gross amount in the account's currency, unrounded, never negative.

    The cash effect is exact to the cent, so it counts where cash moved; what bought units moved
    none but its fee.
    """
    if row.kind == UNITS:
        return ZERO
    if row.kind == REINVESTED:
        return WIDE.multiply(row.amount, row.fx_rate)
    fee = WIDE.multiply(row.fee, row.fx_rate)
    if row.kind == TAX:
        return -row.cash_effect - fee
    return row.cash_effect + fee


def summed(rows: Iterable[Payment]) -> Sums:
    """Return the sums of payments. Those without a rate count nowhere; `unconverted` names them."""
    found = dict.fromkeys((DIVIDEND, INTEREST, REINVESTED, TAX, RETURNED), ZERO)
    for row in rows:
        if row.amount_household is not None and row.booked.kind in found:
            found[row.booked.kind] += row.amount_household
    return Sums(
        income=found[DIVIDEND] + found[INTEREST] + found[REINVESTED],
        dividends=found[DIVIDEND],
        interest=found[INTEREST],
        reinvested=found[REINVESTED],
        tax=found[TAX],
        returned=found[RETURNED],
    )


def unconverted(rows: Iterable[Payment]) -> tuple[str, ...]:
    """Return the currencies of payments for whose day there is no rate."""
    return tuple(
        sorted({row.booked.account_currency for row in rows if row.amount_household is None})
    )


def months_between(from_date: date, to_date: date) -> list[date]:
    """Return the first day of every month that the range touches."""
    found, month = [], from_date.replace(day=1)
    while month <= to_date:
        found.append(month)
        month = (
            month.replace(year=month.year + 1, month=1)
            if month.month == 12
            else month.replace(month=month.month + 1)
        )
    return found


def by_month(rows: Sequence[Payment], months: Sequence[date]) -> list[tuple[date, Sums]]:
    """Return the sums of each of these months."""
    grouped: dict[date, list[Payment]] = {month: [] for month in months}
    for row in rows:
        grouped[row.booked.date.replace(day=1)].append(row)
    return [(month, summed(grouped[month])) for month in months]


# An asset, or None for cash.
Source = int | None


def by_source(rows: Sequence[Payment]) -> Mapping[Source, list[Payment]]:
    """Return the payments of each asset, and those of cash under None."""
    found: dict[Source, list[Payment]] = {}
    for row in rows:
        found.setdefault(row.booked.asset_id, []).append(row)
    return found
