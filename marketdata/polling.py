"""When to ask which vendor for which quotes. Pure; moments are seconds of a monotonic clock.

    open     each asset is asked for once in an interval: what the vendor's quota allows for all of
             its assets, spread evenly, and never more often than the vendor's own interval
    closed   once more after the close, when the last trades have settled; then at the next open
    failed   the next vendor of the asset is asked at once; when none is left, the first one again
             after an interval
    quota    an asset whose call the quota had no room for keeps its turn: it is asked for as soon
             as the quota has a call again, before those that were answered

Worked example: 120 assets at a vendor that answers 50 symbols a call and allows 50 calls an hour:
3 calls a round, so a round every 216 s.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from marketdata.calendars import Hours
from marketdata.providers.quota import Limit
from marketdata.vendor_quotes import Listed

RETRY_S = 15.0
SETTLED = timedelta(minutes=20)
# Not all of a quota: a part is left for searches and histories.
_SHARE = 0.8


def interval_s(*, assets: int, per_call: int, limits: Sequence[Limit], least_s: float) -> float:
    """Return the seconds between two quotes of one asset."""
    calls = math.ceil(assets / per_call)
    paces = [calls * limit.window_ms / 1000 / (limit.calls * _SHARE) for limit in limits]
    return max(least_s, *paces) if paces else least_s


def retry_s(*, interval_s: float, quota_wait_s: float | None) -> float:
    """Return the seconds until an asset that no vendor quoted is due again.

    `quota_wait_s`: how long a vendor's quota has no call, None if it was asked.
    """
    wait = max(interval_s, RETRY_S)
    return wait if quota_wait_s is None else min(wait, max(quota_wait_s, RETRY_S))


def wait_s(
    hours: Hours | None, *, as_of: datetime | None, now: datetime, interval_s: float
) -> float:
    """Return the seconds until an asset whose newest quote is of `as_of` is due again.

    `hours` is None for an asset without an exchange: it is always open.
    """
    if hours is None or hours.is_open:
        return interval_s
    settled_at = hours.closed_at + SETTLED
    if now < settled_at:
        return max(interval_s, (settled_at - now).total_seconds())
    if as_of is None or as_of < hours.closed_at - SETTLED:
        return max(interval_s, SETTLED.total_seconds())
    return (hours.opens_at - now).total_seconds()


def batches(
    assets: Iterable[Listed], *, per_call: dict[str, int], tried: dict[int, set[str]]
) -> list[tuple[str, list[Listed]]]:
    """Return calls: a vendor and its assets. Each asset goes to its first vendor not tried yet."""
    waiting: dict[str, list[Listed]] = {}
    for one in assets:
        for provider, _ in one.listings:
            if provider in per_call and provider not in tried.get(one.asset_id, set()):
                waiting.setdefault(provider, []).append(one)
                break
    return [
        (provider, found[start : start + per_call[provider]])
        for provider, found in waiting.items()
        for start in range(0, len(found), per_call[provider])
    ]
