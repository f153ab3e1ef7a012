"""Performance of an account, of one holding in it, or of a household.

again   the cached answer, while the stamp of everything it was computed from is unchanged
cold    facts and series are read, the engine computes, the answer is cached for ten minutes; of
        equal questions at one time one is computed, and the others wait for its answer
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from identity.models import User, household_ids
from marketdata.queries import asset as asset_seen
from portfolios.performance import cache_entries
from portfolios.performance.answer import Answer, answer
from portfolios.performance.period import performance
from portfolios.queries.performance_inputs import (
    Asked,
    Period,
    asset_ids,
    ensure_possible,
    inputs,
    sources,
)
from stores.redis import redis_client
from stores.single_flight import cached
from transactions.ledger.kinds import named
from transactions.models import Account
from transactions.queries.ledger import unknown_account


def _any_of(**columns: object) -> str:
    kinds = ", ".join(f"'{name}'" for name in named(**columns))
    return (
        "EXISTS (SELECT FROM transactions_transaction fact WHERE fact.account_id = account.id"
        f" AND fact.type IN ({kinds}))"
    )


# How old the answer on the home may be.
_RECENT_MS = 60_000

_OF_ACCOUNT = "(SELECT household_id FROM transactions_account WHERE public_id = %(account)s)"
_ACCOUNTS = f"""
SELECT account.*, series.version AS own_version, {_any_of(figures="trade")} AS trades,
       {_any_of(rescales=True)} AS splits
  FROM transactions_account account
  LEFT JOIN marketdata_seriesversion series ON series.series = 'own:' || account.household_id
 WHERE account.household_id = {{household}}
   AND account.household_id = ANY(%(seen)s::bigint[])
 ORDER BY account.id
"""


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
    accounts = _household_of(user, account_id)
    account = next(row for row in accounts if row.public_id == account_id)
    others = [row for row in accounts if row is not account]
    asked = Asked(
        accounts=[account],
        currency=account.currency,
        period=period,
        household_id=account.household_id,
        others=others,
        benchmark=benchmark,
        symbol=symbol,
        others_trade=any(row.trades for row in others),
        others_split=any(row.splits for row in others),
        own_version=account.own_version,
    )
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
    if account_id is None:
        household_id = user.household_id
        accounts = _accounts(user, "%(household)s", {"household": household_id})
    else:
        accounts = _household_of(user, account_id)
        household_id = accounts[0].household_id
    asked = Asked(
        accounts=accounts,
        currency=user.base_currency,
        period=period,
        household_id=household_id,
        benchmark=benchmark,
        own_version=accounts[0].own_version if accounts else None,
    )
    return _answer(user=user, asked=asked, now=now)


def recent_household_performance(*, user: User, period: Period, now: datetime) -> Answer:
    """Return the performance of the user's household, up to a minute old.

    While prices arrive every second an exact answer is never cached. This one is, until the ledger
    of an account changes: one query then.
    """
    accounts = _accounts(user, "%(household)s", {"household": user.household_id})
    question = cache_entries.question_key(
        accounts=[(account.public_id, account.ledger_version) for account in accounts],
        beside=[],
        currency=user.base_currency,
        period=(period.from_date, period.to_date or now.date()),
        benchmark=None,
        symbol=None,
    )
    own = accounts[0].own_version if accounts else None
    payload = cached(
        redis_client(),
        key=f"recent-{question}:{user.household_id}:{own}",
        ttl_ms=_RECENT_MS,
        compute=lambda: cache_entries.encode(
            household_performance(user=user, period=period, now=now)
        ),
    )
    return cache_entries.decode(payload)


def _accounts(user: User, household: str, values: Mapping[str, Any]) -> list[Any]:
    """Return all accounts of a household that the user may see, oldest first.

    Each with whether it has trades and splits, and with the version of the household's own prices.
    """
    statement = _ACCOUNTS.format(household=household)
    return list(Account.objects.raw(statement, {**values, "seen": list(household_ids(user))}))


def _household_of(user: User, account_id: UUID) -> list[Any]:
    """Return the accounts of an account's household; raise NotFound if the user may not see it."""
    found = _accounts(user, _OF_ACCOUNT, {"account": account_id})
    if not found:
        raise unknown_account()
    return found


def _answer(*, user: User, asked: Asked, now: datetime) -> Answer:
    ensure_possible(period=asked.period, as_of=now.date())
    beside = asset_seen(user=user, symbol=asked.benchmark) if asked.benchmark else None
    until = asked.period.to_date or now.date()
    question = cache_entries.question_key(
        accounts=[(account.public_id, account.ledger_version) for account in asked.accounts],
        beside=[(account.public_id, account.ledger_version) for account in asked.others],
        currency=asked.currency,
        period=(asked.period.from_date, until),
        benchmark=beside.pk if beside else None,
        symbol=asked.symbol,
    )
    client = redis_client()
    known = cached(
        client,
        key=question,
        ttl_ms=cache_entries.TTL_MS,
        compute=lambda: cache_entries.encode_ids(asset_ids(asked=asked, beside=beside)),
    )
    read = sources(asked=asked, ids=cache_entries.decode_ids(known), until=until, now=now)
    if not read.assets:  # the stamp of no assets names no versions
        return answer(performance(inputs(asked=asked, beside=beside, read=read, now=now)))
    payload = cached(
        client,
        key=cache_entries.answer_key(question, read.stamp),
        ttl_ms=cache_entries.TTL_MS,
        compute=lambda: cache_entries.encode(
            answer(performance(inputs(asked=asked, beside=beside, read=read, now=now)))
        ),
    )
    return cache_entries.decode(payload)
