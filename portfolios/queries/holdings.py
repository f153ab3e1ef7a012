"""A page of holdings at live prices: no query where it is cached, at most two where it is not.

    tier 1   the rendered page, one second (as long as its prices are news)
    tier 2   positions by ledger version, one minute; live quotes and exchange rates from Redis
    source   one statement for positions and stored prices, one for exchange rates

A trade raises the account's version and publishes it after the commit; a page of an older version
is not served again.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import redis

from identity.models import User, household_ids
from portfolios.holdings.positions import PAGE_TTL_MS, page_key
from portfolios.queries.valuations import AccountValue, account_value
from stores.redis import redis_client
from stores.single_flight import as_bytes
from transactions.cache_keys import version_key


def holdings_page(
    *,
    user: User,
    account_id: UUID,
    page: int,
    page_size: int,
    now: datetime,
    render: Callable[[AccountValue], bytes],
) -> bytes:
    """Return a page of holdings as `render` writes it, cached for a second for all its readers.

    Raises NotFound if this user may not see the account.
    """
    client = redis_client()
    key = page_key(account_id, page, page_size)
    try:
        known, kept = client.mget(version_key(account_id), key)
    except redis.RedisError:
        known = kept = None
    if kept is not None and known is not None:
        header, _, body = as_bytes(kept).partition(b"\n")
        version, household_id = (int(part) for part in header.split())
        if version >= int(known) and household_id in household_ids(user):
            return body
    found = account_value(user=user, account_id=account_id, now=now)
    body = render(found)
    header = b"%d %d\n" % (found.positions.version, found.positions.household_id)
    try:
        client.set(key, header + body, px=PAGE_TTL_MS)
    except redis.RedisError:
        return body
    return body
