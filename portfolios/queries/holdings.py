"""Holdings with live prices: one query where nothing is remembered, none where it is.

    tier 1   the rendered page, one second (as long as its prices are news)
    tier 2   positions by ledger version, one minute, read by one caller for all (single flight)
    source   one statement: account, holdings, assets, targets, stored prices and rates

A trade raises the account's version and publishes it after the commit; whatever was remembered of
an older version is not served again.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import redis
from django.db import connection

from core.errors import NotFound
from core.money import plain, quantize
from identity.models import User, household_ids
from marketdata.queries import live_quotes, own_quotes
from marketdata.quotes import is_stale
from portfolios.holdings.positions import (
    PAGE_TTL_MS,
    POSITIONS_TTL_MS,
    Positions,
    Row,
    decode,
    encode,
    page_key,
    positions_key,
)
from portfolios.holdings.valuation import (
    Position,
    Quote,
    Valuation,
    holding_row,
    percentage,
    valuation,
)
from stores.redis import redis_client
from stores.single_flight import as_bytes, cached
from transactions.cache_keys import VERSION_TTL_S, version_key

# Longer than any exchange stays closed.
_DAY_CHANGE_AGE = timedelta(days=7)

_POSITIONS_SQL = """
SELECT account.id, account.household_id, account.ledger_version, account.name, account.type,
       account.currency, account.cash::text, asset.id, asset.symbol, asset.name,
       asset.asset_class, asset.currency, asset.household_id IS NULL, holding.quantity::text,
       holding.cost_basis::text, target.target_percentage::text, target.rebalance_threshold::text,
       price.price::text, price.as_of, price.previous_close::text,
       CASE WHEN asset.currency = account.currency THEN '1'
            ELSE (to_rate.rate / from_rate.rate)::text END,
       cash_target.target_percentage::text, price.source, asset.exchange
  FROM transactions_account account
  LEFT JOIN transactions_holding holding ON holding.account_id = account.id
  LEFT JOIN marketdata_asset asset ON asset.id = holding.asset_id
  LEFT JOIN marketdata_latestprice price ON price.asset_id = asset.id
  LEFT JOIN portfolios_target target
         ON target.account_id = account.id AND target.asset_id = asset.id
  LEFT JOIN portfolios_target cash_target
         ON cash_target.account_id = account.id AND cash_target.asset_id IS NULL
  LEFT JOIN LATERAL (
        SELECT 1::numeric AS rate WHERE asset.currency = 'EUR'
        UNION ALL
        (SELECT rate FROM marketdata_exchangerate
          WHERE currency = asset.currency ORDER BY date DESC LIMIT 1)
        LIMIT 1) from_rate ON asset.currency <> account.currency
  LEFT JOIN LATERAL (
        SELECT 1::numeric AS rate WHERE account.currency = 'EUR'
        UNION ALL
        (SELECT rate FROM marketdata_exchangerate
          WHERE currency = account.currency ORDER BY date DESC LIMIT 1)
        LIMIT 1) to_rate ON asset.currency <> account.currency
 WHERE account.public_id = %s
 ORDER BY asset.symbol, asset.id
"""


def positions(*, user: User, account_id: UUID) -> Positions:
    """The ledger positions of an account this user may see; NotFound for a stranger."""
    found = _remembered(account_id)
    if found is None or found.household_id not in household_ids(user):
        raise NotFound("No such account.", code="account_not_found")
    return found


def _remembered(account_id: UUID) -> Positions | None:
    client = redis_client()
    try:
        known = client.get(version_key(account_id))
    except redis.RedisError:
        return _read(account_id)
    version = int(known) if known is not None else None
    payload = cached(
        client,
        key=positions_key(account_id, version),
        # Without a published version nothing tells us of a trade, so it is kept for a moment only.
        ttl_ms=POSITIONS_TTL_MS if version is not None else 50,
        compute=lambda: _read_and_publish(account_id),
    )
    return decode(payload) if payload else None


def _read_and_publish(account_id: UUID) -> bytes:
    found = _read(account_id)
    if found is None:
        return b""
    try:
        redis_client().set(version_key(account_id), found.version, nx=True, ex=VERSION_TTL_S)
    except redis.RedisError:
        return encode(found)
    return encode(found)


def _read(account_id: UUID) -> Positions | None:
    with connection.cursor() as cursor:
        cursor.execute(_POSITIONS_SQL, [account_id])
        rows = cursor.fetchall()
    if not rows:
        return None
    first = rows[0]
    return Positions(
        account_pk=first[0],
        household_id=first[1],
        version=first[2],
        name=first[3],
        type=first[4],
        currency=first[5],
        cash=first[6],
        cash_target=first[21],
        rows=[_row(row) for row in rows if row[7] is not None],
    )


def _row(row: tuple[Any, ...]) -> Row:
    return Row(
        asset_id=row[7],
        symbol=row[8],
        name=row[9],
        asset_class=row[10],
        currency=row[11],
        public=row[12],
        quantity=row[13],
        cost_basis=row[14],
        target_percentage=row[15],
        rebalance_threshold=row[16],
        price=row[17],
        price_as_of=row[18].isoformat() if row[18] else None,
        previous_close=row[19],
        rate=row[20],
        price_source=row[22],
        exchange=row[23],
    )


def account_valuation(*, positions: Positions, now: datetime) -> Valuation:
    """The account valued at the live quotes, falling back to the stored price of each holding."""
    live = live_quotes(symbols=[row.symbol for row in positions.rows if row.public], now=now)
    own = own_quotes(asset_ids=[row.asset_id for row in positions.rows if not row.public], now=now)
    quotes: dict[int, Quote] = {}
    for row in positions.rows:
        found = live.get(row.symbol) if row.public else own.get(row.asset_id)
        if found is not None:
            quotes[row.asset_id] = _quote(
                found.price, found.as_of, found.stale, found.previous_close, now
            )
        elif row.price is not None and row.price_as_of is not None:
            as_of = datetime.fromisoformat(row.price_as_of)
            quotes[row.asset_id] = _quote(
                Decimal(row.price),
                as_of,
                is_stale(
                    source=row.price_source or "", as_of=as_of, now=now, exchange=row.exchange
                ),
                Decimal(row.previous_close) if row.previous_close else None,
                now,
            )
    rates = {row.currency: Decimal(row.rate) for row in positions.rows if row.rate}
    return valuation(
        currency=positions.currency,
        cash=Decimal(positions.cash),
        positions=[_position(row) for row in positions.rows],
        quotes=quotes,
        rates=rates,
    )


def _quote(
    price: Decimal, as_of: datetime, stale: bool, previous_close: Decimal | None, now: datetime
) -> Quote:
    """A price a week old or more has no change of the day."""
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
        rebalance_threshold=(Decimal(row.rebalance_threshold) if row.rebalance_threshold else None),
    )


def holdings_page(
    *, user: User, account_id: UUID, page: int, page_size: int, now: datetime
) -> bytes:
    """The JSON page of holdings; remembered for a second, for everybody who may see it."""
    client = redis_client()
    key = page_key(account_id, page, page_size)
    try:
        known, remembered = client.mget(version_key(account_id), key)
    except redis.RedisError:
        known = remembered = None
    if remembered is not None and known is not None:
        header, _, body = as_bytes(remembered).partition(b"\n")
        version, household_id = (int(part) for part in header.split())
        if version >= int(known) and household_id in household_ids(user):
            return body
    found = positions(user=user, account_id=account_id)
    body = _render(found, page=page, page_size=page_size, now=now)
    try:
        client.set(key, b"%d %d\n%b" % (found.version, found.household_id, body), px=PAGE_TTL_MS)
    except redis.RedisError:
        return body
    return body


def _render(found: Positions, *, page: int, page_size: int, now: datetime) -> bytes:
    value = account_valuation(positions=found, now=now)
    start = (page - 1) * page_size
    rows = [
        holding_row(row, account_currency=value.currency, total=value.total)
        for row in value.holdings[start : start + page_size]
    ]
    return msgspec.json.encode(
        {"data": rows, "total": len(value.holdings), "page": page, "page_size": page_size}
    )


def summary(*, positions: Positions, account_id: UUID, now: datetime) -> dict[str, object]:
    """An account in a few figures: value, cash, gain, day change, allocation by class."""
    value = account_valuation(positions=positions, now=now)
    classes: dict[str, Decimal] = {}
    for row in value.holdings:
        if row.value_base is not None:
            name = row.position.asset_class
            classes[name] = classes.get(name, Decimal(0)) + row.value_base
    classes["cash"] = classes.get("cash", Decimal(0)) + value.cash
    priced_cost = sum(
        (row.position.cost_basis for row in value.holdings if row.value_base is not None),
        Decimal(0),
    )
    gain = value.invested - priced_cost
    before = value.total - value.day_change
    return {
        "account_id": str(account_id),
        "name": positions.name,
        "type": positions.type,
        "currency": value.currency,
        "total_value": f"{quantize(value.total, value.currency):f}",
        "invested_value": f"{quantize(value.invested, value.currency):f}",
        "cash": f"{quantize(value.cash, value.currency):f}",
        "cash_target_percentage": positions.cash_target,
        "cost_basis": f"{quantize(value.cost_basis, value.currency):f}",
        "unrealized_gain": f"{quantize(gain, value.currency):f}",
        "unrealized_gain_percentage": _percent_text(gain, priced_cost),
        "day_change": f"{quantize(value.day_change, value.currency):f}",
        "day_change_percentage": _percent_text(value.day_change, before),
        "holdings": len(value.holdings),
        "allocation": [
            {
                "asset_class": name,
                "value": f"{quantize(amount, value.currency):f}",
                "weight": _percent_text(amount, value.total),
            }
            for name, amount in sorted(classes.items())
        ],
        "unpriced_symbols": list(value.unpriced),
        "stale_symbols": list(value.stale),
    }


def _percent_text(part: Decimal, whole: Decimal) -> str | None:
    share = percentage(part, whole)
    return None if share is None else plain(share)
