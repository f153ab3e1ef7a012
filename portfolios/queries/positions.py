"""Positions of accounts: cached by ledger version, read by one statement for any number.

A trade raises the account's version and publishes it after the commit; an older version is never
served again. Without Redis every call is one query.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import redis
from django.db import connection

from identity.models import User, household_ids
from portfolios.holdings.positions import (
    POSITIONS_TTL_MS,
    Positions,
    Row,
    decode,
    encode,
    positions_key,
)
from stores.redis import redis_client
from stores.single_flight import as_bytes, cached
from transactions.cache_keys import VERSION_TTL_S, version_key
from transactions.queries.ledger import unknown_account

# Without a published version no trade could be noticed, so positions are kept for a moment only.
_UNVERSIONED_TTL_MS = 50

_POSITIONS_SQL = """
SELECT account.public_id, account.id, account.household_id, account.ledger_version, account.name,
       account.type, account.currency, account.cash::text, cash_target.target_percentage::text,
       asset.id, asset.symbol, asset.name, asset.asset_class, asset.currency,
       asset.household_id IS NULL, holding.quantity::text, holding.cost_basis::text,
       target.target_percentage::text, target.rebalance_threshold::text,
       price.price::text, price.as_of, price.previous_close::text, price.source, asset.exchange
  FROM transactions_account account
  LEFT JOIN transactions_holding holding ON holding.account_id = account.id
  LEFT JOIN marketdata_asset asset ON asset.id = holding.asset_id
  LEFT JOIN marketdata_latestprice price ON price.asset_id = asset.id
  LEFT JOIN portfolios_target target
         ON target.account_id = account.id AND target.asset_id = asset.id
  LEFT JOIN portfolios_target cash_target
         ON cash_target.account_id = account.id AND cash_target.asset_id IS NULL
 WHERE account.public_id = ANY(%s)
 ORDER BY account.id, asset.symbol, asset.id
"""
# The columns of the account itself; those of one holding follow in the order of `Row`.
_ACCOUNT_COLUMNS = 9
_PRICE_AS_OF = 11


def positions(*, user: User, account_id: UUID) -> Positions:
    """Return an account's positions; raise NotFound if this user may not see it."""
    found = positions_of(account_ids=[account_id]).get(account_id)
    if found is None or found.household_id not in household_ids(user):
        raise unknown_account()
    return found


def positions_of(*, account_ids: Sequence[UUID]) -> dict[UUID, Positions]:
    """Return the positions of accounts by public id; unknown accounts are absent.

    The caller has checked who may see them. At most one query however many accounts there are;
    concurrent callers for one cold account share its result.
    """
    wanted = list(dict.fromkeys(account_ids))
    if not wanted:
        return {}
    client = redis_client()
    try:
        known = client.mget([version_key(account_id) for account_id in wanted])
    except redis.RedisError:
        return _read(wanted)
    versions = dict(zip(wanted, (None if v is None else int(v) for v in known), strict=True))
    if len(wanted) == 1:
        return _one(client, wanted[0], versions[wanted[0]])
    return _many(client, versions)


def _one(client: "redis.Redis", account_id: UUID, version: int | None) -> dict[UUID, Positions]:
    def compute() -> bytes:
        found = _read([account_id])
        _store(client, found)
        return encode(found[account_id]) if found else b""

    payload = cached(
        client,
        key=positions_key(account_id, version),
        ttl_ms=POSITIONS_TTL_MS if version is not None else _UNVERSIONED_TTL_MS,
        compute=compute,
    )
    return {account_id: decode(payload)} if payload else {}


def _many(client: "redis.Redis", versions: Mapping[UUID, int | None]) -> dict[UUID, Positions]:
    keys = [positions_key(account_id, version) for account_id, version in versions.items()]
    try:
        payloads = client.mget(keys)
    except redis.RedisError:
        return _read(list(versions))
    found: dict[UUID, Positions] = {}
    missing = []
    for account_id, payload in zip(versions, payloads, strict=True):
        # Empty bytes stand for an account that did not exist a moment ago.
        if payload:
            found[account_id] = decode(as_bytes(payload))
        else:
            missing.append(account_id)
    if missing:
        read = _read(missing)
        _store(client, read)
        found |= read
    return found


def _store(client: "redis.Redis", read: Mapping[UUID, Positions]) -> None:
    """Cache positions under their ledger version, and publish it where none is known."""
    try:
        with client.pipeline(transaction=False) as pipeline:
            for account_id, one in read.items():
                pipeline.set(version_key(account_id), one.version, nx=True, ex=VERSION_TTL_S)
                pipeline.set(
                    positions_key(account_id, one.version), encode(one), px=POSITIONS_TTL_MS
                )
            pipeline.execute()
    except redis.RedisError:
        return  # not cached: the next caller reads again


def _read(account_ids: Sequence[UUID]) -> dict[UUID, Positions]:
    with connection.cursor() as cursor:
        cursor.execute(_POSITIONS_SQL, [list(account_ids)])
        rows = cursor.fetchall()
    held: dict[UUID, list[tuple[Any, ...]]] = {}
    for row in rows:
        held.setdefault(row[0], []).append(row)
    return {account_id: _account(of_one) for account_id, of_one in held.items()}


def _account(rows: Sequence[tuple[Any, ...]]) -> Positions:
    """Return the positions of one account from its rows, which all repeat the account."""
    account_pk, household_id, version, name, kind, currency, cash, cash_target = rows[0][
        1:_ACCOUNT_COLUMNS
    ]
    return Positions(
        account_pk=account_pk,
        household_id=household_id,
        version=version,
        name=name,
        type=kind,
        currency=currency,
        cash=cash,
        cash_target=cash_target,
        rows=_rows(rows),
    )


def _rows(rows: Iterable[tuple[Any, ...]]) -> list[Row]:
    """Return the holdings of one account's rows; an account without any has one row of nulls."""
    found = []
    for row in rows:
        columns = list(row[_ACCOUNT_COLUMNS:])
        if columns[0] is None:
            continue
        as_of = columns[_PRICE_AS_OF]
        columns[_PRICE_AS_OF] = None if as_of is None else as_of.isoformat()
        found.append(Row(*columns))
    return found
