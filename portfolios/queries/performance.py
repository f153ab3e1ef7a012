"""Performance of an account, of one holding in it, or of a household.

Facts, assets, closes, fixings and yields: one query each, however long the history.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.db import connection

from core.errors import InvalidInput, NotFound
from core.limits import EARLIEST_DATE, PERFORMANCE_VALUES_MAX
from identity.models import User
from marketdata.fx import EURO
from marketdata.models import Asset, PriceAdjustment
from marketdata.queries import asset as asset_seen
from marketdata.queries import quotes
from marketdata.queries.series import (
    PackedCloses,
    fixings_between,
    packed_closes,
    risk_free_yields,
)
from portfolios.performance.answer import Answer, answer
from portfolios.performance.daily_holdings import Fact, History, history
from portfolios.performance.daily_prices import NO_CLOSES, Closes, ended
from portfolios.performance.daily_values import Line
from portfolios.performance.period import Question, performance
from portfolios.performance.risk import RiskFree
from transactions import queries as ledger
from transactions.models import Account

# A yield of the month before the period is still valid on its first days.
_YIELDS_BEFORE = timedelta(days=35)

# In the order of a fact's fields. Instants come as numbers: a datetime each would cost more than
# everything else.
_FACTS = """
SELECT fact.id, fact.account_id, fact.type,
       (extract(epoch FROM fact.executed_at) * 1000000)::bigint,
       fact.asset_id, fact.amount, fact.cash_effect, fact.currency, fact.quantity, fact.price,
       fact.fee, fact.fx_rate, fact.new_asset_id, fact.ratio_new, fact.ratio_old,
       fact.counterpart_id
  FROM transactions_transaction fact
  LEFT JOIN transactions_transaction undoing ON undoing.reverses_id = fact.id
 WHERE fact.account_id = ANY(%s) AND fact.reverses_id IS NULL AND undoing.id IS NULL
"""


@dataclass(frozen=True, slots=True)
class Period:
    """The days asked for; by default from the first transaction until today."""

    from_date: date | None = None
    to_date: date | None = None


def account_performance(
    *,
    user: User,
    account_id: UUID,
    period: Period,
    now: datetime,
    benchmark: str | None = None,
    symbol: str | None = None,
) -> Answer:
    """Return the performance of one account in its currency; with `symbol` of one holding."""
    account = ledger.account(user=user, public_id=account_id)
    asked = Asked([account], account.currency, period, benchmark, symbol)
    return answer(performance(question(user=user, asked=asked, now=now)))


def household_performance(
    *,
    user: User,
    period: Period,
    now: datetime,
    benchmark: str | None = None,
    account_id: UUID | None = None,
) -> Answer:
    """Return the performance of all accounts of a household in the user's base currency.

    It is the user's own household, or the one `account_id` belongs to: an adviser names one.
    """
    household = user.household_id
    if account_id is not None:
        household = ledger.account(user=user, public_id=account_id).household_id
    accounts = Account.objects.for_user(user).filter(household_id=household).order_by("id")
    asked = Asked(list(accounts), user.base_currency, period, benchmark)
    return answer(performance(question(user=user, asked=asked, now=now)))


@dataclass(frozen=True, slots=True)
class Asked:
    """Which accounts, in which currency, over which days, beside what; `symbol`: one holding."""

    accounts: Sequence[Account]
    currency: str
    period: Period
    benchmark: str | None = None
    symbol: str | None = None


def question(*, user: User, asked: Asked, now: datetime) -> Question:
    """Read everything the engine needs; refuse what cannot be answered."""
    as_of, accounts, currency = now.date(), asked.accounts, asked.currency
    _ensure_possible(asked.period, as_of)
    beside = asset_seen(user=user, symbol=asked.benchmark) if asked.benchmark else None
    past = history(
        facts=list(facts(account_ids=[account.pk for account in accounts])),
        currencies={account.pk: account.currency for account in accounts},
    )
    assets = {row.pk: row for row in Asset.objects.filter(pk__in=_assets_of(past)).order_by("id")}
    only = None if asked.symbol is None else _holding(assets, asked.symbol)
    since, until = _days(asked.period, past, only, as_of)
    if ((until - since).days + 2) * max(1, len(assets)) > PERFORMANCE_VALUES_MAX:
        raise InvalidInput(
            f"At most {PERFORMANCE_VALUES_MAX} days times holdings can be valued at once.",
            code="range_too_long",
            fields={"from": ["is too long ago for so many holdings"]},
        )
    before = since - timedelta(days=1)
    wanted = {**assets, beside.pk: beside} if beside else assets
    lines = _lines(wanted, before, until, now)
    return Question(
        past=past,
        lines=lines,
        fixings=_fixings(wanted.values(), accounts, past, currency, before, until),
        currency=currency,
        from_date=since,
        to_date=until,
        only=only,
        benchmark=lines[beside.pk] if beside else None,
        risk_free=_risk_free(currency, before, until),
    )


def _lines(assets: Mapping[int, Asset], since: date, until: date, now: datetime) -> dict[int, Line]:
    """Return the closes of each asset; a period that ends today ends at the newest quotes.

    Those are the quotes every other page values the account at.
    """
    closes = packed_closes(asset_ids=assets, since=since, until=until)
    newest = quotes(assets=list(assets.values()), now=now) if until == now.date() else {}
    found = {}
    for pk, row in assets.items():
        series, quote = closes.get(pk), newest.get(pk)
        line = _line(row, series)
        if quote is not None:
            line = replace(line, closes=ended(line.closes, quote.price, quote.as_of.date(), until))
        found[pk] = line
    return found


def facts(*, account_ids: Sequence[int]) -> Iterable[Fact]:
    """Return the transactions of accounts, without reversed ones and their reversals."""
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, [list(account_ids)])
        for row in cursor.fetchall():
            *fields, ratio_new, ratio_old, counterpart = row
            ratio = None if ratio_new is None else Fraction(ratio_new) / Fraction(ratio_old)
            yield Fact(*(*fields, ratio, counterpart))


def _ensure_possible(period: Period, as_of: date) -> None:
    for name, day in (("from", period.from_date), ("to", period.to_date)):
        if day is not None and day > as_of:
            raise InvalidInput(
                f"{name} lies in the future.",
                code="date_in_future",
                fields={name: ["must not be in the future"]},
            )
        if day is not None and day < EARLIEST_DATE:
            raise InvalidInput(
                f"{name} lies before {EARLIEST_DATE}.",
                code="date_too_early",
                fields={name: [f"must be on or after {EARLIEST_DATE}"]},
            )
    if period.from_date and period.to_date and period.from_date > period.to_date:
        raise InvalidInput(
            "from lies after to.", code="range_reversed", fields={"from": ["must not be after to"]}
        )


def _days(period: Period, past: History, only: int | None, as_of: date) -> tuple[date, date]:
    """The period asked for; since the first transaction (of the holding) where none is named."""
    until = period.to_date or as_of
    if period.from_date is not None:
        return period.from_date, until
    first = past.first_day
    if only is not None:
        days = list(past.units.get(only, {}))[:1]
        first = min([*days, *(one.day for one in past.payments if one.asset == only)])
    return min(until, date.fromordinal(first) if first else until), until


def _assets_of(past: History) -> set[int]:
    paid = {payment.asset for payment in past.payments if payment.asset is not None}
    return paid | set(past.units)


def _holding(assets: Mapping[int, Asset], symbol: str) -> int:
    for row in assets.values():
        if row.symbol == symbol:
            return row.pk
    raise NotFound(f"{symbol[:40]} was never held in this account.", code="holding_unknown")


def _line(row: Asset, closes: PackedCloses | None) -> Line:
    adjusted = row.price_adjustment != PriceAdjustment.NONE
    series = NO_CLOSES
    if closes is not None:
        series = Closes(closes.days, closes.prices, closes.newest if adjusted else None)
    return Line(
        row.pk,
        row.symbol,
        row.currency,
        series,
        row.price_adjustment == PriceAdjustment.SPLITS_AND_DIVIDENDS,
        row.name,
    )


def _fixings(
    assets: Iterable[Asset],
    accounts: Iterable[Account],
    past: History,
    currency: str,
    since: date,
    until: date,
) -> dict[str, list[tuple[date, Any]]]:
    """Fixings of every currency in the question; none where there is only one."""
    currencies = {row.currency for row in assets} | {account.currency for account in accounts}
    currencies |= {currency} | {
        payment.traded_currency for payment in past.payments if payment.traded_currency
    }
    if len(currencies) == 1:
        return {}
    return fixings_between(currencies=currencies - {EURO}, since=since, until=until)


def _risk_free(currency: str, since: date, until: date) -> RiskFree | None:
    found = risk_free_yields(currency=currency, since=since - _YIELDS_BEFORE, until=until)
    if found is None:
        return None
    name, rows = found
    return RiskFree(name, [day for day, _ in rows], [float(rate) for _, rate in rows])
