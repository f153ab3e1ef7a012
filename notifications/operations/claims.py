"""Claim deliveries by a lease, and write down what became of them.

A claim moves `next_at` behind the lease and counts an attempt, in one short statement; no lock and
no transaction is open while anything is sent. A worker that dies leaves its rows to be due again
when the lease ends. Only the latest claim of a row may mark it: `claims` only ever rises.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings

from core.errors import Conflict
from notifications.models import Delivery, DeliveryState
from notifications.retries import pause
from stores.rows import execute, rows_of

# Of one receiver in one claim, so that a slow one leaves the workers to the others.
PER_ADDRESS_MAX = 4
_LOOKED_AT = 500
# Where this process looked last among the receivers, by channel and urgency.
_looked_up_to: dict[tuple[str, bool], str] = {}
# More than any channel has tries: only deaths of workers lead here.
CLAIMS_MAX = 15

# The oldest due. Where a few receivers have more due than is looked at, the first of the others are
# looked at too, from where the last such look ended: a receiver that takes its time and has very
# many due leaves the workers to the others. Each receiver's first goes before any one's second.
_OLDEST = """
WITH RECURSIVE oldest AS (
    SELECT id, address, next_at FROM notifications_delivery
     WHERE channel = %(channel)s AND urgent = %(urgent)s AND state = 'waiting'
       AND next_at <= statement_timestamp()
     ORDER BY next_at LIMIT %(looked_at)s),
crowded AS (
    SELECT 1 FROM oldest HAVING count(*) = %(looked_at)s AND count(DISTINCT address) < %(limit)s),
others (address, step) AS (
    SELECT %(after)s::text, 0 FROM crowded
     UNION ALL
    SELECT following.address, others.step + 1
      FROM others CROSS JOIN LATERAL (
           SELECT address FROM notifications_delivery
            WHERE channel = %(channel)s AND urgent = %(urgent)s AND state = 'waiting'
              AND next_at <= statement_timestamp() AND address > others.address
            ORDER BY address LIMIT 1) following
     WHERE others.step < %(limit)s),
due AS (
    SELECT id, address, next_at FROM oldest
     UNION
    SELECT first.id, others.address, first.next_at
      FROM others CROSS JOIN LATERAL (
           SELECT id, next_at FROM notifications_delivery
            WHERE channel = %(channel)s AND urgent = %(urgent)s AND state = 'waiting'
              AND next_at <= statement_timestamp() AND address = others.address
            ORDER BY next_at LIMIT %(per_address)s) first
     WHERE others.step > 0),
ranked AS (
    SELECT id, next_at, row_number() OVER (PARTITION BY address ORDER BY next_at, id) AS place
      FROM due),
chosen AS (
    SELECT id FROM ranked WHERE place <= %(per_address)s
     ORDER BY place, next_at, id LIMIT %(limit)s),
mine AS (
    SELECT id, (SELECT address FROM others WHERE step = %(limit)s) AS looked_up_to
      FROM notifications_delivery
     WHERE id IN (SELECT id FROM chosen) AND state = 'waiting' AND next_at <= statement_timestamp()
     ORDER BY id FOR UPDATE SKIP LOCKED)
"""
# The rows of `mine`, as `Claimed` has them.
_TAKE = """
UPDATE notifications_delivery claimed
   SET attempts = claimed.attempts + 1, claims = claimed.claims + 1,
       next_at = statement_timestamp() + make_interval(secs => %(lease_s)s)
  FROM mine WHERE claimed.id = mine.id
RETURNING claimed.id, claimed.public_id, claimed.channel, claimed.user_id, claimed.address,
          claimed.topic, claimed.title, claimed.payload, claimed.attempts, claimed.created_at,
          claimed.claims, claimed.event_id, mine.looked_up_to
"""
_FINISH = """
UPDATE notifications_delivery AS old
   SET state = %(state)s, finished_at = statement_timestamp(), error = %(error)s,
       response_status = %(response_status)s
  FROM unnest(%(ids)s::bigint[], %(claims)s::bigint[]) AS mine (id, claims)
 WHERE old.id = mine.id AND old.claims = mine.claims AND old.state = 'waiting'
"""
_RELEASE = """
UPDATE notifications_delivery AS old
   SET attempts = old.attempts - 1, next_at = statement_timestamp()
  FROM unnest(%(ids)s::bigint[], %(claims)s::bigint[]) AS mine (id, claims)
 WHERE old.id = mine.id AND old.claims = mine.claims AND old.state = 'waiting'
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this worker may send until its lease ends."""

    id: int
    public_id: UUID
    channel: str
    user_id: int | None
    address: str
    topic: str
    title: str
    payload: dict[str, Any]
    attempts: int
    created_at: datetime
    claims: int
    event_id: int | None


def claim(
    *, channel: str, urgent: bool, limit: int, per_address: int = PER_ADDRESS_MAX
) -> list[Claimed]:
    """Claim due deliveries of a channel, oldest first, and some of each receiver."""
    rows = _taken_rows(
        _OLDEST,
        {
            "channel": channel,
            "urgent": urgent,
            "limit": limit,
            "per_address": per_address,
            "looked_at": max(limit, _LOOKED_AT),
            "after": _looked_up_to.get((channel, urgent), ""),
        },
    )
    # Nothing after the last receiver: the next look begins with the first.
    _looked_up_to[channel, urgent] = (rows[0][-1] if rows else None) or ""
    return _survivors([_claimed_row(row) for row in rows])


def taken(mine: str, values: Mapping[str, object]) -> list[Claimed]:
    """Claim the deliveries that a WITH clause locks under the name `mine`, in their order of id."""
    return _survivors([_claimed_row(row) for row in _taken_rows(mine, values)])


def _taken_rows(mine: str, values: Mapping[str, object]) -> list[Sequence[Any]]:
    rows = rows_of(mine + _TAKE, {**values, "lease_s": settings.DELIVERY_LEASE_S})
    return sorted(rows, key=itemgetter(0))


def _survivors(claimed: Sequence[Claimed]) -> list[Claimed]:
    """Return the deliveries without those whose workers died at every try: these are dead."""
    poison = [one for one in claimed if one.attempts > CLAIMS_MAX]
    if poison:
        mark_dead(claimed=poison, reason="the worker died at every try")
    return [one for one in claimed if one.attempts <= CLAIMS_MAX]


def _claimed_row(row: Sequence[Any]) -> Claimed:
    """Return a row of a claiming statement."""
    values = list(row[:-1])
    if isinstance(values[7], str | bytes):
        values[7] = orjson.loads(values[7])
    return Claimed(*values)


def mark_sent(*, claimed: Collection[Claimed], response_status: int | None = None) -> None:
    """Mark deliveries as sent."""
    _finish(claimed, DeliveryState.SENT, "", response_status)


def mark_dropped(
    *, claimed: Collection[Claimed], reason: str, response_status: int | None = None
) -> None:
    """Give deliveries up without an error: nobody wants them any more."""
    _finish(claimed, DeliveryState.DROPPED, reason, response_status)


def mark_dead(
    *, claimed: Collection[Claimed], reason: str, response_status: int | None = None
) -> None:
    """Put deliveries on the list of dead letters: no further try could help."""
    _finish(claimed, DeliveryState.DEAD, reason, response_status)


def _finish(
    claimed: Collection[Claimed], state: str, error: str, response_status: int | None
) -> None:
    execute(
        _FINISH,
        {
            "state": state,
            "error": error[:2000],
            "response_status": response_status,
            "ids": [one.id for one in claimed],
            "claims": [one.claims for one in claimed],
        },
    )


def mark_failed(
    *,
    claimed: Claimed,
    error: str,
    response_status: int | None = None,
    retry_after_s: float = 0,
    share: float | None = None,
) -> None:
    """Write down a failed try: due again after a pause, or dead after the last.

    share: the random part of the pause, from 0 to 1; the same for what is to be sent together.

    Whatever else waits for the same receiver is put off as long, without counting a try: a receiver
    that is down costs one try at a time.
    """
    wait = pause(
        channel=claimed.channel,
        attempts=claimed.attempts,
        share=random.random() if share is None else share,
    )
    if wait is None:
        mark_dead(claimed=[claimed], reason=error, response_status=response_status)
        return
    wait_s = max(wait.total_seconds(), retry_after_s)
    execute(
        "UPDATE notifications_delivery SET error = %(error)s, response_status = %(status)s,"
        " next_at = statement_timestamp() + make_interval(secs => %(wait_s)s)"
        " WHERE id = %(id)s AND claims = %(claims)s AND state = 'waiting'",
        {
            "error": error[:2000],
            "status": response_status,
            "wait_s": wait_s,
            "id": claimed.id,
            "claims": claimed.claims,
        },
    )


def put_off(*, channel: str, address: str, wait_s: float) -> None:
    """Put off everything that is due at a receiver which takes nothing now."""
    execute(
        "UPDATE notifications_delivery"
        " SET next_at = statement_timestamp() + make_interval(secs => %(wait_s)s)"
        " WHERE id IN (SELECT id FROM notifications_delivery"
        " WHERE channel = %(channel)s AND address = %(address)s AND state = 'waiting'"
        " AND next_at <= statement_timestamp() ORDER BY id FOR UPDATE SKIP LOCKED)",
        {"channel": channel, "address": address, "wait_s": wait_s},
    )


def release(*, claimed: Collection[Claimed]) -> None:
    """Give claimed deliveries back untried."""
    if claimed:
        execute(
            _RELEASE,
            {"ids": [one.id for one in claimed], "claims": [one.claims for one in claimed]},
        )


def replay(*, ids: Collection[int], now: datetime) -> int:
    """Try dead deliveries again with all their attempts (operators). Return how many."""
    return Delivery.objects.filter(pk__in=ids, state=DeliveryState.DEAD).update(
        state=DeliveryState.WAITING, attempts=0, next_at=now, finished_at=None
    )


def replay_one(*, delivery: Delivery, now: datetime) -> None:
    """Try one dead delivery again; refuse any other."""
    if not replay(ids=[delivery.pk], now=now):
        raise Conflict(
            "Only deliveries that failed for good can be sent again.", code="delivery_not_dead"
        )
