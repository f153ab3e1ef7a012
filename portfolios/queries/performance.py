"""Performance of an account, of one holding in it, or of a household.

again   the cached answer, while the stamp of everything it was computed from is unchanged
cold    facts and series are read, the engine computes, the answer is cached for ten minutes; of
        equal questions at one time one is computed, and the others wait for its answer
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef

from identity.models import User
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
from transactions.models import Account, Transaction
from transactions.queries.ledger import unknown_account


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
        of_it = Account.objects.for_user(user).filter(household_id=household_id)
        accounts = list(of_it.order_by("id"))
    else:
        accounts = _household_of(user, account_id)
        household_id = accounts[0].household_id
    asked = Asked(
        accounts=accounts,
        currency=user.base_currency,
        period=period,
        household_id=household_id,
        benchmark=benchmark,
    )
    return _answer(user=user, asked=asked, now=now)


def _household_of(user: User, account_id: UUID) -> list[Any]:
    """Return all accounts of an account's household, each with whether it has trades and splits.

    Raise NotFound if the user may not see the account.
    """
    known = Account.objects.filter(public_id=account_id).values("household_id")
    facts = Transaction.objects.filter(account_id=OuterRef("pk"))
    found = list(
        Account.objects.for_user(user)
        .filter(household_id__in=known)
        .annotate(
            trades=Exists(facts.filter(type__in=named(figures="trade"))),
            splits=Exists(facts.filter(type__in=named(rescales=True))),
        )
        .order_by("id")
    )
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
