"""Performance of an account, of one holding in it, or of a household.

again   the cached answer, while the stamp of everything it was computed from is unchanged
cold    facts and series are read, the engine computes, the answer is cached for ten minutes
"""

import logging
from datetime import date, datetime
from uuid import UUID

import redis

from identity.models import User
from marketdata.queries import asset as asset_seen
from marketdata.queries.series import versioned_assets
from portfolios.performance import cache_entries
from portfolios.performance.answer import Answer, answer
from portfolios.performance.period import performance
from portfolios.queries.performance_inputs import (
    Asked,
    Period,
    ensure_possible,
    inputs,
    newest_quotes,
    stamp,
)
from stores.redis import redis_client
from stores.single_flight import as_bytes
from transactions import queries as ledger
from transactions.models import Account

logger = logging.getLogger(__name__)


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
    return _answer(user=user, asked=asked, now=now)


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
    return _answer(user=user, asked=asked, now=now)


def _answer(*, user: User, asked: Asked, now: datetime) -> Answer:
    ensure_possible(period=asked.period, as_of=now.date())
    beside = asset_seen(user=user, symbol=asked.benchmark) if asked.benchmark else None
    until = asked.period.to_date or now.date()
    key = cache_entries.key(
        accounts=[(account.public_id, account.ledger_version) for account in asked.accounts],
        currency=asked.currency,
        period=(asked.period.from_date, until),
        benchmark=beside.pk if beside else None,
        symbol=asked.symbol,
    )
    entry = _entry(key)
    if entry is not None and entry.stamp == _stamp_now(entry, until, now):
        return entry.answer()
    read = inputs(asked=asked, beside=beside, now=now)
    found = answer(performance(read.question))
    if read.assets:  # the stamp of no assets names no versions
        ids = [row.pk for row in read.assets]
        _store(key, cache_entries.encode(asset_ids=ids, stamp=read.stamp, answer=found))
    return found


def _stamp_now(entry: cache_entries.Entry, until: date, now: datetime) -> str:
    assets, versions = versioned_assets(asset_ids=entry.asset_ids)
    newest = newest_quotes(assets=assets, until=until, now=now)
    return stamp(assets=assets, versions=versions, newest=newest)


def _entry(key: str) -> cache_entries.Entry | None:
    try:
        payload = redis_client().get(key)
    except redis.RedisError:
        return None
    return None if payload is None else cache_entries.decode(as_bytes(payload))


def _store(key: str, payload: bytes) -> None:
    try:
        redis_client().set(key, payload, px=cache_entries.TTL_MS)
    except redis.RedisError:
        logger.warning("cache unreachable, performance not cached")
