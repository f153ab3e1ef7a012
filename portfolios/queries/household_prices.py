"""The price of assets for households: what feeds say, then what a household alone knows.

A feed answers for nearly every asset, and nothing else is read. What a household knows (own
prices, own trades, splits) is read for the others in two queries, and cached in Redis
under a number that every change of the household's own prices and ledgers raises.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import msgspec
import numpy as np
import redis

from marketdata.models import Asset
from marketdata.queries import newest_prices, quotes
from marketdata.queries.own_prices import NewestOwnPrice
from portfolios.performance.daily_holdings import price_facts
from portfolios.performance.facts import Facts
from portfolios.prices.rule import (
    NOTHING_PRIVATE,
    PRICE_DECIMALS,
    OwnPoint,
    Points,
    PrivateFacts,
    Quote,
    Splits,
    price_now,
)
from portfolios.queries.ledger_facts import facts_of_assets
from stores import keys
from stores.redis import redis_client
from stores.rows import rows_of
from transactions.ledger.kinds import named
from transactions.models import Account

_TTL_MS = 60_000

# (household id, asset id)
Key = tuple[int, int]


_SPLITS = ", ".join(f"'{name}'" for name in sorted(named(rescales=True)))
_SPLIT_DAYS = f"""
SELECT owner.household_id, fact.asset_id, max(fact.trade_date) - DATE '0001-01-01' + 1
  FROM transactions_account owner
  JOIN transactions_transaction fact
    ON fact.account_id = owner.id AND fact.type IN ({_SPLITS})
 WHERE owner.household_id = ANY(%(households)s::bigint[])
 GROUP BY owner.household_id, fact.asset_id
"""


class _Stored(msgspec.Struct, array_like=True, frozen=True):
    """`PrivateFacts` as cached: prices in 10^-8, ratios as two whole numbers."""

    own: tuple[int, int, str, int] | None
    close: tuple[int, int] | None
    trade: tuple[int, int] | None
    splits: list[tuple[int, int, int]]


_DECODER = msgspec.json.Decoder(_Stored)


def household_quotes(
    *, household_id: int, assets: Sequence[Asset], now: datetime
) -> dict[int, Quote]:
    """Return the price of each asset for a household, by asset id; without any it is absent.

    What the household knows is read from the database, in the caller's snapshot if there is one.
    """
    feed = quotes(assets=assets, now=now)
    today = now.date()
    private = _read(
        [
            (household_id, asset.pk)
            for asset in assets
            if asset.pk not in feed or feed[asset.pk].as_of.date() < today
        ]
    )
    found = {
        asset.pk: price_now(
            feed=feed.get(asset.pk),
            private=private.get((household_id, asset.pk), NOTHING_PRIVATE),
            now=now,
        )
        for asset in assets
    }
    return {asset_id: quote for asset_id, quote in found.items() if quote is not None}


def split_days(*, household_ids: Collection[int]) -> dict[Key, int]:
    """Return the ordinal of the newest split of each asset that households have recorded.

    Few assets ever split: it is one short text of a household in Redis, else one query for all.
    """
    asked = sorted(set(household_ids))
    if not asked:
        return {}
    client = redis_client()
    try:
        names = _names(client, asked)
        payloads = client.mget([f"{names[household_id]}:splits" for household_id in asked])
    except redis.RedisError:
        return _read_split_days(asked)
    found: dict[Key, int] = {}
    missing = []
    for household_id, payload in zip(asked, payloads, strict=True):
        if payload is None:
            missing.append(household_id)
            continue
        for asset_id, day in msgspec.json.decode(payload, type=list[tuple[int, int]]):
            found[household_id, asset_id] = day
    if missing:
        read = _read_split_days(missing)
        _store_split_days(client, names, missing, read)
        found |= read
    return found


def _read_split_days(household_ids: Sequence[int]) -> dict[Key, int]:
    rows = rows_of(_SPLIT_DAYS, {"households": list(household_ids)})
    return {(household_id, asset_id): day for household_id, asset_id, day in rows}


def _store_split_days(
    client: "redis.Redis",
    names: Mapping[int, str],
    household_ids: Sequence[int],
    read: Mapping[Key, int],
) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for household_id in household_ids:
            days = [(asset, day) for (owner, asset), day in read.items() if owner == household_id]
            payload = msgspec.json.encode(days)
            pipeline.set(f"{names[household_id]}:splits", payload, px=_TTL_MS)
        try:
            pipeline.execute()
        except redis.RedisError:
            return  # not cached: the next caller reads again


def _names(client: "redis.Redis", household_ids: Sequence[int]) -> dict[int, str]:
    """Return the name under which each household's facts are cached until they change."""
    # The number is read before the database: facts read later are stored under an older one.
    numbers = client.mget([keys.household_prices(one) for one in household_ids])
    return {
        household_id: f"private-prices:{household_id}:{int(number or 0)}"
        for household_id, number in zip(household_ids, numbers, strict=True)
    }


def private_facts(*, wanted: Collection[Key]) -> dict[Key, PrivateFacts]:
    """Return what households know of prices, by (household id, asset id)."""
    asked = sorted(set(wanted))
    if not asked:
        return {}
    client = redis_client()
    try:
        return _cached(client, asked)
    except redis.RedisError:
        return _read(asked)


def _cached(client: "redis.Redis", asked: Sequence[Key]) -> dict[Key, PrivateFacts]:
    by_household: dict[int, list[int]] = {}
    for household_id, asset_id in asked:
        by_household.setdefault(household_id, []).append(asset_id)
    names = _names(client, list(by_household))
    with client.pipeline(transaction=False) as pipeline:
        for household_id, asset_ids in by_household.items():
            pipeline.hmget(names[household_id], [str(asset_id) for asset_id in asset_ids])
        answers = pipeline.execute()
    found: dict[Key, PrivateFacts] = {}
    missing: list[Key] = []
    for (household_id, asset_ids), payloads in zip(by_household.items(), answers, strict=True):
        for asset_id, payload in zip(asset_ids, payloads, strict=True):
            if payload is None:
                missing.append((household_id, asset_id))
            else:
                found[household_id, asset_id] = _decoded(payload)
    if missing:
        read = _read(missing)
        _store(client, names, read)
        found |= read
    return found


def _store(
    client: "redis.Redis", names: Mapping[int, str], read: Mapping[Key, PrivateFacts]
) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for (household_id, asset_id), one in read.items():
            pipeline.hset(names[household_id], str(asset_id), _encoded(one))
        for household_id in {household_id for household_id, _ in read}:
            pipeline.pexpire(names[household_id], _TTL_MS)
        try:
            pipeline.execute()
        except redis.RedisError:
            return  # not cached: the next caller reads again


def _read(wanted: Sequence[Key]) -> dict[Key, PrivateFacts]:
    if not wanted:
        return {}
    newest = newest_prices(wanted=wanted)
    traded = traded_facts(wanted=wanted)
    found = {}
    for key in wanted:
        marks, splits = traded.get(key, (None, ()))
        found[key] = PrivateFacts(
            own=_own_point(newest[key].own),
            close=newest[key].close,
            trade=None if marks is None else _last(marks),
            splits=splits,
        )
    return found


def traded_facts(*, wanted: Collection[Key]) -> dict[Key, tuple[Points | None, Splits]]:
    """Return the prices of a household's trades by day, and its splits, of each asset.

    One query for a household, two for many. Assets that never were traded or split are absent.
    """
    households = sorted({household_id for household_id, _ in wanted})
    read = facts_of_assets(household_ids=households, asset_ids={asset_id for _, asset_id in wanted})
    found: dict[Key, tuple[Points | None, Splits]] = {}
    for household_id, of_it in _by_household(read, households):
        marks, splits = price_facts(of_it)
        for asset_id in {*marks, *splits}:
            found[household_id, asset_id] = marks.get(asset_id), tuple(splits.get(asset_id, ()))
    return {key: found[key] for key in wanted if key in found}


def _by_household(read: Facts, households: Sequence[int]) -> list[tuple[int, Facts]]:
    if len(households) == 1:
        return [(households[0], read)]
    accounts = dict(
        Account.objects.filter(household_id__in=households).values_list("pk", "household_id")
    )
    of = np.array([accounts[account] for account in read.accounts.tolist()], dtype=np.int64)
    return [(household_id, read.picked(of == household_id)) for household_id in households]


def _last(marks: Points) -> tuple[int, Decimal]:
    return int(marks.days[-1]), Decimal(int(marks.values[-1])).scaleb(-PRICE_DECIMALS)


def _own_point(row: NewestOwnPrice | None) -> OwnPoint | None:
    if row is None:
        return None
    adjusted = row.adjusted_until.toordinal() if row.adjusted_until else 0
    return OwnPoint(row.day.toordinal(), row.price, row.origin, adjusted)


def _encoded(one: PrivateFacts) -> bytes:
    own, close, trade = one.own, one.close, one.trade
    return msgspec.json.encode(
        _Stored(
            own=None
            if own is None
            else (own.day, _whole(own.price), own.source, own.adjusted_until),
            close=None if close is None else (close[0], _whole(close[1])),
            trade=None if trade is None else (trade[0], _whole(trade[1])),
            splits=[(day, ratio.numerator, ratio.denominator) for day, ratio in one.splits],
        )
    )


def _decoded(payload: bytes | str) -> PrivateFacts:
    stored = _DECODER.decode(payload)
    own, close, trade = stored.own, stored.close, stored.trade
    return PrivateFacts(
        own=None if own is None else OwnPoint(own[0], _price(own[1]), own[2], own[3]),
        close=None if close is None else (close[0], _price(close[1])),
        trade=None if trade is None else (trade[0], _price(trade[1])),
        splits=tuple((day, Fraction(new, old)) for day, new, old in stored.splits),
    )


def _whole(price: Decimal) -> int:
    return int(price.scaleb(PRICE_DECIMALS))


def _price(whole: int) -> Decimal:
    return Decimal(whole).scaleb(-PRICE_DECIMALS)
