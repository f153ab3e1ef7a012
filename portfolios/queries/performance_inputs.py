"""The inputs of the performance engine, read from the database.

Facts, assets, closes, fixings, yields and versions: one query each, however long the history.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from core.errors import InvalidInput, NotFound
from core.limits import EARLIEST_DATE, PERFORMANCE_VALUES_MAX
from marketdata.fx import EURO
from marketdata.models import Asset, PriceAdjustment
from marketdata.queries import quotes
from marketdata.queries.series import (
    PackedCloses,
    PackedOwnPrices,
    PriceSeries,
    Versions,
    fixings_between,
    price_series,
    risk_free_yields,
    versioned_assets,
)
from marketdata.quotes import Quote
from portfolios.performance import cache_entries
from portfolios.performance.daily_holdings import History, history, price_facts
from portfolios.performance.daily_prices import ended
from portfolios.performance.daily_values import Line
from portfolios.performance.period import Question
from portfolios.performance.risk import RiskFree
from portfolios.prices.rule import NO_CLOSES, NO_OWN, Closes, OwnSeries, Points
from portfolios.queries.ledger_facts import facts, facts_of_assets, known_elsewhere
from transactions.models import Account

# A yield of the month before the period is still valid on its first days.
_YIELDS_BEFORE = timedelta(days=35)

# Of a hundred holdings over ten years a history takes about 8 MB and its closes 4 MB, in each
# process; those of most accounts take a hundredth.
_HISTORIES_KEPT = 8
_CLOSES_KEPT = 8


@dataclass(frozen=True, slots=True)
class Period:
    """The days asked for; by default from the first transaction until today."""

    from_date: date | None = None
    to_date: date | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: accounts, currency, days and benchmark; `symbol` restricts it to one holding.

    `others` are the other accounts of the household: their trades and splits are facts about
    prices for all of them, if they have any.
    """

    accounts: Sequence[Account]
    currency: str
    period: Period
    household_id: int
    others: Sequence[Account] = ()
    benchmark: str | None = None
    symbol: str | None = None
    others_trade: bool = False
    others_split: bool = False
    # The version of the household's own prices; None: it never had any.
    own_version: int | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """Assets, the versions of their series, and the newest quotes where the period ends today.

    The quotes are the close of its last day; every other page values the account at them. Versions
    are read before the series: one that changes meanwhile leaves an outdated stamp.
    """

    assets: Sequence[Asset]
    versions: Versions
    newest: Mapping[int, Quote]

    @property
    def stamp(self) -> str:
        """The stamp of what is stored of assets, rates and yields, and of today's quotes."""
        return cache_entries.stamp(
            [
                *self.versions,
                *(
                    (row.pk, row.symbol, row.name, row.currency, row.price_adjustment)
                    for row in self.assets
                ),
                # A quote that is confirmed at a later moment of its day changes nothing.
                *(
                    (pk, quote.price, quote.as_of.date())
                    for pk, quote in sorted(self.newest.items())
                ),
            ]
        )


def asset_ids(*, asked: Asked, beside: Asset | None) -> set[int]:
    """Return the assets that the accounts ever held, and the benchmark."""
    return _assets_of(_past(asked)) | ({beside.pk} if beside else set())


def sources(*, asked: Asked, ids: Collection[int], until: date, now: datetime) -> Sources:
    """Read what decides whether an answer of before is still valid."""
    assets, versions = versioned_assets(asset_ids=ids)
    newest = quotes(assets=assets, now=now) if until == now.date() else {}
    own = ("own", asked.own_version)
    return Sources(assets, (*versions, own), newest)


def inputs(*, asked: Asked, beside: Asset | None, read: Sources, now: datetime) -> Question:
    """Read everything the engine needs; refuse what cannot be answered. `beside`: the benchmark."""
    accounts, currency, past = asked.accounts, asked.currency, _past(asked)
    held = _assets_of(past)
    wanted = {row.pk: row for row in read.assets}
    assets = {pk: row for pk, row in wanted.items() if pk in held}
    only = None if asked.symbol is None else _holding(assets, asked.symbol)
    since, until = _days(asked.period, past, only, now.date())
    if ((until - since).days + 2) * max(1, len(assets)) > PERFORMANCE_VALUES_MAX:
        raise InvalidInput(
            "The period is too long for this many holdings. Choose a later start.",
            code="range_too_long",
            fields={"from": ["is too long ago for so many holdings"]},
        )
    before = since - timedelta(days=1)
    series = _series(read.versions, tuple(sorted(wanted)), asked.household_id, before, until)
    past = _of_the_household(past, asked, series.closes, before)
    lines = _lines(wanted, series, past, read.newest, until)
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


def _past(asked: Asked) -> History:
    return _history(tuple((row.pk, row.ledger_version, row.currency) for row in asked.accounts))


# What follows keeps what was read for the versions it was read at. Another period of the same
# accounts then reads no ledger, and a new quote reads neither ledger nor closes.
@lru_cache(maxsize=_HISTORIES_KEPT)
def _history(accounts: tuple[tuple[int, int, str], ...]) -> History:
    """Return the history of accounts, named with ledger version and currency. Never change it."""
    return history(
        facts=facts(account_ids=[pk for pk, _, _ in accounts]),
        currencies={pk: currency for pk, _, currency in accounts},
    )


@lru_cache(maxsize=_CLOSES_KEPT)
def _series(
    versions: Versions, asset_ids: tuple[int, ...], household_id: int, since: date, until: date
) -> PriceSeries:
    """Return the prices of assets at these versions of their series. Never change them."""
    return price_series(asset_ids=asset_ids, household_id=household_id, since=since, until=until)


def _of_the_household(
    past: History, asked: Asked, closes: Mapping[int, PackedCloses], before: date
) -> History:
    """Return the history with the marks and splits that other accounts of the household know.

    Marks count only where closes do not reach back to the day before the period.
    """
    held, start = set(past.units), before.toordinal()
    bare = {pk for pk in held if pk not in closes or closes[pk].days[0] > start}
    if not (asked.others_split or (asked.others_trade and bare)):
        return past
    every = tuple((row.pk, row.ledger_version) for row in (*asked.accounts, *asked.others))
    marks, splits = _shared(
        asked.household_id,
        every,
        tuple(row.pk for row in asked.others),
        (tuple(sorted(held)), tuple(sorted(bare))),
    )
    if not marks and not splits:
        return past
    return replace(past, marks={**past.marks, **marks}, splits={**past.splits, **splits})


@lru_cache(maxsize=_HISTORIES_KEPT)
def _shared(
    household_id: int,
    every: tuple[tuple[int, int], ...],
    others: tuple[int, ...],
    assets: tuple[tuple[int, ...], tuple[int, ...]],
) -> tuple[Mapping[int, Points], Mapping[int, Sequence[tuple[int, Fraction]]]]:
    """Return marks and splits over all accounts, of assets that `others` know about.

    `every` are the accounts of the household with their ledger versions.
    """
    held, bare = assets
    known = known_elsewhere(account_ids=others, split=held, traded=bare)
    if not known:
        return {}, {}
    marks, splits = price_facts(facts_of_assets(household_ids=[household_id], asset_ids=known))
    return (
        {pk: points for pk, points in marks.items() if pk in known},
        {pk: found for pk, found in splits.items() if pk in known},
    )


def forget() -> None:
    """Drop what this process keeps, so that the next answer is read from the database."""
    for kept in (_history, _series, _shared):
        kept.cache_clear()


def _lines(
    assets: Mapping[int, Asset],
    series: PriceSeries,
    past: History,
    newest: Mapping[int, Quote],
    until: date,
) -> dict[int, Line]:
    """Return the prices of each asset, closes ended by its newest quote if there is one."""
    found = {}
    for pk, row in assets.items():
        line, quote = _line(row, series.closes.get(pk), series.own.get(pk)), newest.get(pk)
        if quote is not None:
            splits = past.splits.get(pk, ())
            made_on = quote.as_of.date()
            line = replace(line, closes=ended(line.closes, quote.price, made_on, until, splits))
        found[pk] = line
    return found


def ensure_possible(*, period: Period, as_of: date) -> None:
    """Refuse days before 1950, days after today, and a period that ends before it begins."""
    for name, day in (("from", period.from_date), ("to", period.to_date)):
        if day is not None and day > as_of:
            raise InvalidInput(
                f"{name} is in the future. Choose today or an earlier date.",
                code="date_in_future",
                fields={name: ["must not be in the future"]},
            )
        if day is not None and day < EARLIEST_DATE:
            raise InvalidInput(
                f"{name} is before {EARLIEST_DATE}. Choose a later date.",
                code="date_too_early",
                fields={name: [f"must be on or after {EARLIEST_DATE}"]},
            )
    if period.from_date and period.to_date and period.from_date > period.to_date:
        raise InvalidInput(
            "from is after to. Swap them.",
            code="range_reversed",
            fields={"from": ["must not be after to"]},
        )


def _days(period: Period, past: History, only: int | None, as_of: date) -> tuple[date, date]:
    """The period asked for; since the first transaction (of the holding) where none is named."""
    until = period.to_date or as_of
    if period.from_date is not None:
        return period.from_date, until
    first = past.first_day
    if only is not None:
        days = past.payments.days[past.payments.assets == only].tolist()
        if only in past.units:
            days.append(int(past.units[only].days[0]))
        first = min(days)
    return min(until, date.fromordinal(first) if first else until), until


def _assets_of(past: History) -> set[int]:
    paid = set(np.unique(past.payments.assets).tolist()) - {0}
    return paid | set(past.units)


def _holding(assets: Mapping[int, Asset], symbol: str) -> int:
    for row in assets.values():
        if row.symbol == symbol:
            return row.pk
    raise NotFound(
        f"{symbol[:40]} was never held in this account. Check the symbol.", code="holding_unknown"
    )


def _line(row: Asset, closes: PackedCloses | None, own: PackedOwnPrices | None) -> Line:
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
        NO_OWN if own is None else OwnSeries(own.days, own.prices, own.adjusted_until),
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
    currencies |= {currency} | past.payments.currency_names
    if len(currencies) == 1:
        return {}
    return fixings_between(currencies=currencies - {EURO}, since=since, until=until)


def _risk_free(currency: str, since: date, until: date) -> RiskFree | None:
    found = risk_free_yields(currency=currency, since=since - _YIELDS_BEFORE, until=until)
    if found is None:
        return None
    name, rows = found
    return RiskFree(name, [day for day, _ in rows], [float(rate) for _, rate in rows])
