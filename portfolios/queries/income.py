"""The income of accounts: paid in a range of days, and expected in the next 12 months."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import numpy as np

from core.dates import ensure_known, ensure_range, moved_by_years
from identity.models import Household, User
from marketdata.models import Asset
from marketdata.queries import exchange_rates_on
from marketdata.queries.dividends import announced_dividends
from portfolios.holdings.dividends_due import held_before
from portfolios.holdings.households import HouseholdHolding, HouseholdValue
from portfolios.holdings.valuation import percentage
from portfolios.income.expected import Expected, Paid, expected
from portfolios.income.received import (
    ZERO,
    Booked,
    Payment,
    Source,
    Sums,
    by_month,
    by_source,
    months_between,
    payment,
    summed,
    unconverted,
)
from portfolios.performance.daily_holdings import history
from portfolios.performance.facts import UNIT_DECIMALS
from portfolios.prices.rule import Points
from portfolios.queries.holding_lines import ACCOUNTS_MAX
from portfolios.queries.households import worth
from portfolios.queries.ledger_facts import facts_of_assets
from portfolios.queries.valuations import rates_into
from stores.rows import rows_of
from transactions import queries as ledger
from transactions.ledger.account_kinds import TAXED
from transactions.models import Account, Disposal
from transactions.models.transactions import PAYMENTS

RANGE_DAYS_MAX = 3660
# Ex-dates this long past may still be paid.
_EX_DAYS_BACK = 120

_BOOKED = """
SELECT fact.account_id, fact.public_id, fact.asset_id, coalesce(asset.symbol, ''),
       coalesce(asset.name, ''), fact.type, fact.trade_date, fact.currency, fact.amount, fact.fee,
       fact.fx_rate, fact.cash_effect, fact.quantity
  FROM transactions_transaction fact
  LEFT JOIN marketdata_asset asset ON asset.id = fact.asset_id
 WHERE fact.account_id = ANY(%(accounts)s::bigint[]) AND fact.type IN ({kinds})
   AND fact.trade_date BETWEEN %(since)s AND %(until)s{{asset}}
   AND fact.reverses_id IS NULL
   AND NOT EXISTS (SELECT FROM transactions_transaction WHERE reverses_id = fact.id)
 ORDER BY fact.trade_date, fact.id
""".format(kinds=", ".join(f"'{name}'" for name in PAYMENTS))
_OF_ALL = _BOOKED.format(asset="")
_OF_ASSET = _BOOKED.format(asset=" AND fact.asset_id = %(asset)s")


@dataclass(frozen=True, slots=True)
class SourceIncome:
    """The income from one asset, or from cash (no asset), in the household's currency.

    `lately` is of the last 12 months. Yields are in percent, of what is held now; None without it.
    """

    asset_id: Source
    symbol: str
    name: str
    sums: Sums
    months: tuple[Decimal, ...]
    lately: Decimal
    cost_basis: Decimal | None
    value: Decimal | None
    expected: Decimal

    @property
    def yield_on_cost(self) -> Decimal | None:
        return None if self.cost_basis is None else percentage(self.lately, self.cost_basis)

    @property
    def yield_on_value(self) -> Decimal | None:
        return None if self.value is None else percentage(self.lately, self.value)


@dataclass(frozen=True, slots=True)
class Income:
    """Income of some accounts. Amounts are in `currency`, at the rates of their days.

    `previous` is of the same range a year earlier. `lately`, `cost_basis` and `value` are those of
    what is held now, so that yields compare like with like.
    """

    currency: str
    from_date: date
    to_date: date
    sums: Sums
    previous: Sums
    months: tuple[tuple[date, Sums], ...]
    sources: tuple[SourceIncome, ...]
    payments: tuple[Payment, ...]
    expected: tuple[Expected, ...]
    lately: Decimal
    cost_basis: Decimal
    value: Decimal
    unconverted: tuple[str, ...]

    @property
    def growth(self) -> Decimal | None:
        """The change to the year before, in percent; None if nothing was paid then."""
        return percentage(self.sums.income - self.previous.income, self.previous.income)

    @property
    def yield_on_cost(self) -> Decimal | None:
        return percentage(self.lately, self.cost_basis)

    @property
    def yield_on_value(self) -> Decimal | None:
        return percentage(self.lately, self.value)

    @property
    def expected_total(self) -> Decimal:
        return sum((one.amount_household or ZERO for one in self.expected), ZERO)

    def expected_of(self, basis: str) -> Decimal:
        """Return the part that is announced, or that is projected."""
        amounts = [one.amount_household for one in self.expected if one.basis == basis]
        return sum((amount for amount in amounts if amount is not None), ZERO)


def household_income(
    *, user: User, from_date: date | None, to_date: date | None, now: datetime
) -> Income:
    """Return the income of every account of the user's own household, archived ones included."""
    rows = ledger.accounts(user=user, archived=None).filter(household_id=user.household_id)
    return _income(list(rows), user.base_currency, from_date, to_date, now)


def income_of(
    *, household: Household, currency: str, from_date: date, to_date: date, now: datetime
) -> Income:
    """Return the income of a household's taxed accounts; the caller checked who may see it."""
    rows = Account.objects.filter(household=household, type__in=TAXED).order_by("id")
    return _income(list(rows), currency, from_date, to_date, now)


def income_seen(
    *,
    user: User,
    account_id: UUID | None,
    from_date: date | None,
    to_date: date | None,
    now: datetime,
) -> Income:
    """Return the income of all accounts this user may see, or of one of them."""
    if account_id is None:
        accounts = list(ledger.accounts(user=user, archived=None)[:ACCOUNTS_MAX])
    else:
        accounts = [ledger.account(user=user, public_id=account_id)]
    return _income(accounts, user.base_currency, from_date, to_date, now)


def _income(
    accounts: Sequence[Account],
    currency: str,
    from_date: date | None,
    to_date: date | None,
    now: datetime,
) -> Income:
    """Return the income of accounts; without days, of the last 12 months in whole months."""
    today = now.date()
    until = today if to_date is None else to_date
    ensure_known(until, field="to")
    since = _first_month(until) if from_date is None else from_date
    ensure_known(since, field="from")
    ensure_range(since, until, days_max=RANGE_DAYS_MAX)
    before = moved_by_years(since, -1), moved_by_years(until, -1)
    year_ago = moved_by_years(today, -1)
    rows = payments_of(
        accounts=accounts,
        since=min(before[0], year_ago),
        until=max(until, today),
        currency=currency,
    )
    household = worth(
        accounts=[row for row in accounts if row.archived_at is None], currency=currency, now=now
    )
    held = {row.position.asset_id: row for row in household.holdings}
    lately = [row for row in rows if year_ago < row.booked.date <= today]
    coming = _expected(accounts, lately, held, household, now)
    inside = [row for row in rows if since <= row.booked.date <= until]
    earlier = [row for row in rows if before[0] <= row.booked.date <= before[1]]
    months = months_between(since, until)
    of_held = [row for row in lately if row.booked.asset_id in held]
    priced = [row for row in held.values() if row.value is not None]
    return Income(
        currency=currency,
        from_date=since,
        to_date=until,
        sums=summed(inside),
        previous=summed(earlier),
        months=tuple(by_month(inside, months)),
        sources=tuple(_sources(inside, lately, held, coming, months)),
        payments=tuple(reversed(inside)),
        expected=tuple(coming),
        lately=summed(of_held).income,
        cost_basis=sum((row.cost_basis for row in priced), ZERO),
        value=sum((row.value or ZERO for row in priced), ZERO),
        unconverted=unconverted([*inside, *earlier, *lately]),
    )


def _first_month(until: date) -> date:
    """Return the first day of the month eleven months before."""
    month = until.month % 12 + 1
    return date(until.year - (month > 1), month, 1)


def payments_of(
    *,
    accounts: Sequence[Account],
    since: date,
    until: date,
    currency: str,
    asset_id: int | None = None,
) -> list[Payment]:
    """Return payments to accounts, of all assets or of one, by day; at most two queries.

    In `currency` at the rates of their days. The caller has checked who may see the accounts.
    """
    values = {
        "accounts": [row.pk for row in accounts],
        "since": since,
        "until": until,
        "asset": asset_id,
    }
    statement = _OF_ALL if asset_id is None else _OF_ASSET
    of = {row.pk: (row.public_id, row.name, row.currency) for row in accounts}
    booked = [
        Booked(transaction_id, *of[account_id], *rest)
        for account_id, transaction_id, *rest in (rows_of(statement, values) if of else ())
    ]
    wanted = {(row.account_currency, currency, row.date) for row in booked}
    rates = exchange_rates_on(wanted=wanted) if any(a != b for a, b, _ in wanted) else {}
    found = []
    for row in booked:
        rate = rates.get((row.account_currency, currency, row.date))
        known = Decimal(1) if row.account_currency == currency else rate.rate if rate else None
        found.append(payment(row, household_currency=currency, rate=known))
    return found


def _sources(
    inside: Sequence[Payment],
    lately: Sequence[Payment],
    held: Mapping[int, HouseholdHolding],
    coming: Iterable[Expected],
    months: Sequence[date],
) -> list[SourceIncome]:
    """Return a row for each asset that paid or will pay, the most income first."""
    paid, recent = by_source(inside), by_source(lately)
    coming = list(coming)
    unnamed = {one.asset_id for one in coming} - {*held, *paid, *recent}
    sold = Asset.objects.in_bulk([pk for pk in unnamed if pk is not None]) if unnamed else {}
    expects: dict[Source, Decimal] = {}
    for one in coming:
        amount = one.amount_household or ZERO
        expects[one.asset_id] = expects.get(one.asset_id, ZERO) + amount
    found = []
    for asset_id in {*paid, *expects}:
        of_it = paid.get(asset_id, [])
        holding = None if asset_id is None else held.get(asset_id)
        named = of_it or recent.get(asset_id, [])
        known = holding.position if holding else named[0].booked if named else sold[asset_id]
        found.append(
            SourceIncome(
                asset_id=asset_id,
                symbol=known.symbol,
                name=known.name,
                sums=summed(of_it),
                months=tuple(sums.income for _, sums in by_month(of_it, months)),
                lately=summed(recent.get(asset_id, [])).income,
                cost_basis=holding.cost_basis if holding else None,
                value=holding.value if holding else None,
                expected=expects.get(asset_id, ZERO),
            )
        )
    return sorted(found, key=lambda row: (-row.sums.income, -row.expected, row.symbol))


def _expected(
    accounts: Sequence[Account],
    lately: Sequence[Payment],
    held: Mapping[int, HouseholdHolding],
    household: HouseholdValue,
    now: datetime,
) -> list[Expected]:
    today = now.date()
    earliest = today - timedelta(days=_EX_DAYS_BACK)
    paying = [row for row in lately if row.is_income]
    paid_assets = {row.booked.asset_id for row in paying if row.booked.asset_id in held} - {None}
    known = {*held, *_sold_since(accounts, earliest)}
    announced = (
        announced_dividends(asset_ids=known, from_date=earliest, to_date=moved_by_years(today, 1))
        if known
        else []
    )
    past = [one for one in announced if one.ex_date <= today]
    units = _units_of_days(
        accounts,
        {one for one in paid_assets if one is not None} | {one.asset_id for one in past},
    )
    paid = [
        Paid(
            asset_id=row.booked.asset_id,
            date=row.booked.date,
            currency=row.booked.currency,
            amount=row.booked.amount,
            units=None
            if row.booked.asset_id is None
            else units.get(row.booked.asset_id, _NOTHING).on(row.booked.date),
        )
        for row in paying
    ]
    currencies = {one.currency for one in paid} | {one.currency for one in announced}
    rates = rates_into(household.currency, currencies, now=now) if currencies else {}
    return expected(
        paid=paid,
        announced=announced,
        units={asset_id: row.quantity for asset_id, row in held.items()},
        entitled={
            (one.asset_id, one.ex_date): held_before(
                units.get(one.asset_id, _NOTHING).points, one.ex_date
            )
            for one in past
        },
        rates={base: rate.rate for base, rate in rates.items()},
        household_currency=household.currency,
        today=today,
    )


def _sold_since(accounts: Sequence[Account], since: date) -> set[int]:
    """Return the assets sold since a day: a dividend may still be paid on shares held before."""
    rows = Disposal.objects.filter(account__in=[row.pk for row in accounts], closed_date__gte=since)
    return set(rows.order_by().values_list("asset_id", flat=True).distinct())


@dataclass(frozen=True, slots=True)
class _Units:
    """The units of an asset by day, in steps, and the splits that came since."""

    points: Points | None
    splits: Sequence[tuple[int, Fraction]] = ()

    def on(self, day: date) -> Fraction | None:
        """Return the units of today held on a day; if none, those of the last day with some.

        Shares sold between the ex-date and the payment are paid all the same.
        """
        if self.points is None:
            return None
        last = int(np.searchsorted(self.points.days, day.toordinal(), side="right")) - 1
        while last >= 0 and not self.points.values[last]:
            last -= 1
        if last < 0:
            return None
        since = int(self.points.days[last])
        found = Fraction(int(self.points.values[last]), 10**UNIT_DECIMALS)
        for split_day, ratio in self.splits:
            if split_day > since:
                found *= ratio
        return found


_NOTHING = _Units(None)


def _units_of_days(accounts: Sequence[Account], asset_ids: set[int]) -> dict[int, _Units]:
    """Return the units that the accounts held of each asset; one query."""
    if not asset_ids:
        return {}
    read = facts_of_assets(
        household_ids=sorted({row.household_id for row in accounts}), asset_ids=asset_ids
    )
    own = {row.pk: row.currency for row in accounts}
    found = history(
        facts=read.picked(np.isin(read.accounts, list(own))),
        currencies=own,
    )
    return {
        asset_id: _Units(found.units.get(asset_id), found.splits.get(asset_id, ()))
        for asset_id in asset_ids
    }
