"""How many calls a vendor still allows: token buckets. Pure.

A bucket holds at most `calls` tokens and refills evenly over its window. A call takes a token of
every bucket of the vendor for each request it makes, or none at all. Where it makes more requests
than a bucket holds it waits for a full one, and the bucket owes the rest. A vendor that says it had
enough (status 429) empties its buckets until the moment it names.

Worked example: 50 calls an hour. 50 calls go at once; the next is allowed 72 s later.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

# The longest that a vendor may want to be left alone.
PAUSE_MS_MAX = 86_400_000
_WINDOWS_MS = {"second": 1_000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `calls` calls in a window of `window_ms`."""

    calls: int
    window_ms: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """The tokens that were there at `at_ms`."""

    tokens: float
    at_ms: int


def limits_of(text: str) -> tuple[Limit, ...]:
    """Return the limits in a text such as "50/hour,1000/day"; raise ValueError if it is none."""
    found = []
    for part in text.split(","):
        calls, _, window = part.strip().partition("/")
        if window not in _WINDOWS_MS or not calls.isdecimal() or not int(calls):
            raise ValueError(f"{part.strip()!r} is no limit; write one such as 50/hour")
        found.append(Limit(int(calls), _WINDOWS_MS[window]))
    return tuple(found)


def refilled(bucket: Bucket | None, limit: Limit, *, now_ms: int) -> Bucket:
    """Return a bucket as it is now; a bucket that nobody used yet is full."""
    if bucket is None:
        return Bucket(float(limit.calls), now_ms)
    # It lies in the future while the vendor wants to be left alone; further, and the clock was set
    # back since.
    at_ms = now_ms if bucket.at_ms - now_ms > PAUSE_MS_MAX else bucket.at_ms
    gained = max(0, now_ms - at_ms) * limit.calls / limit.window_ms
    return Bucket(min(float(limit.calls), bucket.tokens + gained), max(at_ms, now_ms))


def taken(
    buckets: Sequence[Bucket | None],
    limits: Sequence[Limit],
    *,
    now_ms: int,
    requests: int = 1,
    spared: float = 0.0,
) -> tuple[tuple[Bucket, ...], bool]:
    """Take `requests` tokens of every bucket, if each has them. Return the buckets and whether."""
    full = tuple(
        refilled(bucket, limit, now_ms=now_ms)
        for bucket, limit in zip(buckets, limits, strict=True)
    )
    if wait_ms(full, limits, now_ms=now_ms, requests=requests, spared=spared) > 0:
        return full, False
    return tuple(Bucket(bucket.tokens - requests, bucket.at_ms) for bucket in full), True


def wait_ms(
    buckets: Sequence[Bucket],
    limits: Sequence[Limit],
    *,
    now_ms: int,
    requests: int = 1,
    spared: float = 0.0,
) -> float:
    """Return how long it takes until every bucket has the tokens; 0 if each has them.

    `spared`: the share of each limit, in whole calls, that must be left over.
    """
    waits = [0.0]
    for bucket, limit in zip(buckets, limits, strict=True):
        wanted = requests + math.floor(limit.calls * spared)
        missing = min(wanted, limit.calls) - bucket.tokens
        waits.append(bucket.at_ms - now_ms)
        waits.append(missing * limit.window_ms / limit.calls)
    return max(waits)


def emptied(limits: Sequence[Limit], *, until_ms: int) -> tuple[Bucket, ...]:
    """Return the buckets of a vendor that wants to be left alone until then."""
    return tuple(Bucket(1.0, until_ms) for _ in limits)
