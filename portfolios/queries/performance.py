"""Performance of an account, of one holding in it, or of a household.

again   the cached answer, while the stamp of everything it was computed from is unchanged
cold    facts and series are read, the engine computes, the answer is cached for ten minutes; of
        equal questions at one time one is computed, and the others wait for its answer
"""

from datetime import datetime
from uuid import UUID

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
from transactions import queries as ledger
from transactions.models import Account


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
    question = cache_entries.question_key(
        accounts=[(account.public_id, account.ledger_version) for account in asked.accounts],
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
    read = sources(ids=cache_entries.decode_ids(known), until=until, now=now)
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
