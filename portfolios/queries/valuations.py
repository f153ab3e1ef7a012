"""What accounts are worth now: the one place that brings positions, prices and rates together.

Every page and every answer that shows a value reads it here. Queries do not grow with the number
of accounts: none where positions, quotes and rates are cached, at most two where they are not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from identity.models import User
from marketdata.fx import Rate
from marketdata.models import Asset
from marketdata.queries import exchange_rates, live_quotes, own_quotes, quotes
from marketdata.quotes import Quote as NewestQuote
from marketdata.quotes import is_stale
from portfolios.holdings.positions import Positions, Row
from portfolios.holdings.valuation import (
    Position,
    Quote,
    UnitValue,
    Valuation,
    unit_value,
    valuation,
)
from portfolios.queries.positions import positions, positions_of

# Longer than any exchange stays closed.
_DAY_CHANGE_AGE = timedelta(days=7)


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


def unit_values(*, assets: Sequence[Asset], currency: str, now: datetime) -> dict[int, UnitValue]:
    """Return what one unit of each asset is worth in `currency`, by asset id.

    For readers that bring their own quantities (rebalancing, lots). An asset without a price or a
    rate has the value None.
    """
    known = quotes(assets=assets, now=now)
    rates = rates_into(currency, {asset.currency for asset in assets}, now=now)
    return {
        asset.pk: unit_value(
            quote=_quote_of(known[asset.pk], now) if asset.pk in known else None,
            rate=rates.get(asset.currency),
        )
        for asset in assets
    }


def rates_into(currency: str, currencies: Iterable[str], *, now: datetime) -> dict[str, Rate]:
    """Return the rates from each of `currencies` into one; those without a rate are absent."""
    found = exchange_rates(
        pairs=[(one, currency) for one in sorted(set(currencies))], as_of=now.date()
    )
    return {base: rate for (base, _), rate in found.items()}


def _valued(accounts: Sequence[Positions], now: datetime) -> list[AccountValue]:
    prices = _quotes([row for account in accounts for row in account.rows], now)
    pairs = {(row.currency, account.currency) for account in accounts for row in account.rows}
    rates = exchange_rates(pairs=sorted(pairs), as_of=now.date())
    return [AccountValue(account, _valuation(account, prices, rates)) for account in accounts]


def _valuation(
    account: Positions, prices: Mapping[int, Quote], rates: Mapping[tuple[str, str], Rate]
) -> Valuation:
    return valuation(
        currency=account.currency,
        cash=Decimal(account.cash),
        positions=[_position(row) for row in account.rows],
        quotes=prices,
        rates={base: rate for (base, quote), rate in rates.items() if quote == account.currency},
    )


def _quotes(rows: Iterable[Row], now: datetime) -> dict[int, Quote]:
    """Return the live quote of each asset, or its stored price where Redis has none."""
    by_asset = {row.asset_id: row for row in rows}
    live = live_quotes(symbols=[row.symbol for row in by_asset.values() if row.public], now=now)
    own = own_quotes(
        asset_ids=[row.asset_id for row in by_asset.values() if not row.public], now=now
    )
    found: dict[int, Quote] = {}
    for asset_id, row in by_asset.items():
        quote = live.get(row.symbol) if row.public else own.get(asset_id)
        if quote is not None:
            found[asset_id] = _quote_of(quote, now)
        elif row.price is not None and row.price_as_of is not None:
            found[asset_id] = _stored(row, row.price, row.price_as_of, now)
    return found


def _stored(row: Row, price: str, price_as_of: str, now: datetime) -> Quote:
    as_of = datetime.fromisoformat(price_as_of)
    stale = is_stale(source=row.price_source or "", as_of=as_of, now=now, exchange=row.exchange)
    close = Decimal(row.previous_close) if row.previous_close else None
    return _quote(Decimal(price), as_of, stale, close, now)


def _quote_of(quote: NewestQuote, now: datetime) -> Quote:
    return _quote(quote.price, quote.as_of, quote.stale, quote.previous_close, now)


def _quote(
    price: Decimal, as_of: datetime, stale: bool, previous_close: Decimal | None, now: datetime
) -> Quote:
    """Return a quote; a price a week old or more has no change of the day."""
    return Quote(price, as_of, stale, previous_close if now - as_of < _DAY_CHANGE_AGE else None)


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
    )
