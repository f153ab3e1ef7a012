"""The present value of accounts: the one place that combines positions, prices and rates.

Every page and every answer that shows a value reads it here. The number of queries does not
depend on that of the accounts: none if positions, quotes and rates are cached, else at most two.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from identity.models import User
from marketdata.fx import Rate
from marketdata.models import Asset
from marketdata.queries import exchange_rates, live_quotes
from marketdata.quotes import Quote as FeedQuote
from marketdata.quotes import is_stale, last_close
from portfolios.holdings.positions import Positions, Row
from portfolios.holdings.valuation import (
    Position,
    UnitValue,
    Valuation,
    unit_value,
    valuation,
)
from portfolios.prices.rule import PrivateFacts, Quote, feed_price, price_now
from portfolios.queries.household_prices import (
    Key,
    household_quotes,
    private_facts,
    split_days,
)
from portfolios.queries.positions import positions, positions_of


@dataclass(frozen=True, slots=True)
class AccountValue:
    """An account's positions, and what they are worth at the newest prices and rates."""

    positions: Positions
    value: Valuation


def account_value(*, user: User, account_id: UUID, now: datetime) -> AccountValue:
    """Return the value of one account; raise NotFound if this user may not see it."""
    found = positions(user=user, account_id=account_id)
    return _valued([found], now)[0]


def valuations(*, account_ids: Sequence[UUID], now: datetime) -> dict[UUID, AccountValue]:
    """Return the values of accounts by public id, each in its own currency.

    The caller has checked who may see them; unknown accounts are absent.
    """
    found = positions_of(account_ids=account_ids)
    return dict(zip(found, _valued(list(found.values()), now), strict=True))


def unit_values(
    *, household_id: int, assets: Sequence[Asset], currency: str, now: datetime
) -> dict[int, UnitValue]:
    """Return what one unit of each asset is worth in `currency` for a household, by asset id.

    For readers that bring their own quantities (rebalancing, lots). An asset without a price or a
    rate has the value None.
    """
    known = household_quotes(household_id=household_id, assets=assets, now=now)
    rates = rates_into(currency, {asset.currency for asset in assets}, now=now)
    return {
        asset.pk: unit_value(quote=known.get(asset.pk), rate=rates.get(asset.currency))
        for asset in assets
    }


def rates_into(currency: str, currencies: Iterable[str], *, now: datetime) -> dict[str, Rate]:
    """Return the rates from each of `currencies` into one; those without a rate are absent."""
    found = exchange_rates(
        pairs=[(one, currency) for one in sorted(set(currencies))], as_of=now.date()
    )
    return {base: rate for (base, _), rate in found.items()}


def _valued(accounts: Sequence[Positions], now: datetime) -> list[AccountValue]:
    prices = _quotes(accounts, now)
    pairs = {(row.currency, account.currency) for account in accounts for row in account.rows}
    rates = exchange_rates(pairs=sorted(pairs), as_of=now.date())
    return [AccountValue(account, _valuation(account, prices, rates)) for account in accounts]


def _valuation(
    account: Positions, prices: Mapping[Key, Quote], rates: Mapping[tuple[str, str], Rate]
) -> Valuation:
    return valuation(
        currency=account.currency,
        cash=Decimal(account.cash),
        positions=[_position(row) for row in account.rows],
        quotes={
            row.asset_id: prices[key]
            for row in account.rows
            if (key := (account.household_id, row.asset_id)) in prices
        },
        rates={base: rate for (base, quote), rate in rates.items() if quote == account.currency},
    )


def _quotes(accounts: Sequence[Positions], now: datetime) -> dict[Key, Quote]:
    """Return the price of each asset for each household that holds it."""
    by_key = {
        (account.household_id, row.asset_id): row for account in accounts for row in account.rows
    }
    live = live_quotes(
        symbols=dict.fromkeys(row.symbol for row in by_key.values() if row.public), now=now
    )
    today, found, unknown = now.date(), dict[Key, Quote](), list[Key]()
    older: dict[Key, FeedQuote] = {}
    for key, row in by_key.items():
        feed = live.get(row.symbol) if row.public else None
        feed = feed or _stored(row, now)
        if feed is None:
            unknown.append(key)
            continue
        found[key] = feed_price(feed, now=now)
        if feed.as_of.date() < today:
            older[key] = feed
    splits = split_days(household_ids={household_id for household_id, _ in older})
    split = [
        key for key, feed in older.items() if splits.get(key, 0) > feed.as_of.date().toordinal()
    ]
    for key, private in private_facts(wanted=[*unknown, *split]).items():
        row = by_key[key]
        feed = older.get(key) or _closed(row, private, now)
        quote = price_now(feed=feed, private=private, now=now)
        if quote is not None:
            found[key] = quote
    return found


def _stored(row: Row, now: datetime) -> FeedQuote | None:
    """Return the stored quote of a feed, if there is one."""
    if row.price is None or row.price_as_of is None:
        return None
    as_of = datetime.fromisoformat(row.price_as_of)
    source = row.price_source or ""
    stale = is_stale(source=source, as_of=as_of, now=now, exchange=row.exchange)
    close = Decimal(row.previous_close) if row.previous_close else None
    return FeedQuote(row.symbol, Decimal(row.price), as_of, stale, source, close)


def _closed(row: Row, private: PrivateFacts, now: datetime) -> FeedQuote | None:
    """Return the last close of an asset without quotes, if there is one."""
    if private.close is None:
        return None
    day, close = private.close
    return last_close(symbol=row.symbol, close=close, day=day, exchange=row.exchange, now=now)


def _position(row: Row) -> Position:
    return Position(
        asset_id=row.asset_id,
        symbol=row.symbol,
        name=row.name,
        asset_class=row.asset_class,
        currency=row.currency,
        quantity=Decimal(row.quantity),
        cost_basis=Decimal(row.cost_basis),
        target_percentage=Decimal(row.target_percentage) if row.target_percentage else None,
        rebalance_threshold=Decimal(row.rebalance_threshold) if row.rebalance_threshold else None,
        public=row.public,
    )
