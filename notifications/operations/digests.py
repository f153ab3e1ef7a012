"""Send due digests: one mail to a person, with a line for each event since the last."""

from datetime import datetime
from itertools import groupby
from operator import attrgetter

from django.conf import settings

from notifications.operations.claims import Claimed, claimed_row, survivors
from notifications.operations.email import send_all
from stores.rows import rows_of

PEOPLE_AT_ONCE = 20
LINES_MAX = 200
_CLAIM = """
WITH due AS (
    SELECT DISTINCT address FROM (
        SELECT address FROM notifications_delivery
         WHERE channel = 'digest' AND NOT urgent AND state = 'waiting'
           AND next_at <= statement_timestamp()
         ORDER BY next_at LIMIT 1000) oldest
     LIMIT %(people)s),
mine AS (
    SELECT id FROM notifications_delivery
     WHERE channel = 'digest' AND address IN (SELECT address FROM due) AND state = 'waiting'
       AND next_at <= statement_timestamp()
     ORDER BY id LIMIT %(rows)s FOR UPDATE SKIP LOCKED)
UPDATE notifications_delivery claimed
   SET attempts = claimed.attempts + 1, claims = claimed.claims + 1,
       next_at = statement_timestamp() + make_interval(secs => %(lease_s)s)
  FROM mine WHERE claimed.id = mine.id
RETURNING claimed.id, claimed.public_id, claimed.channel, claimed.user_id, claimed.address,
          claimed.topic, claimed.title, claimed.payload, claimed.attempts, claimed.created_at,
          claimed.claims
"""


def deliver_digests(*, now: datetime) -> int:
    """Send the digests that are due. Return how many, or 0 if the server is down."""
    rows = rows_of(
        _CLAIM,
        {
            "people": PEOPLE_AT_ONCE,
            "rows": PEOPLE_AT_ONCE * LINES_MAX,
            "lease_s": settings.DELIVERY_LEASE_S,
        },
    )
    claimed = sorted(survivors([claimed_row(row) for row in rows]), key=attrgetter("address", "id"))
    parcels: list[list[Claimed]] = [list(of) for _, of in groupby(claimed, attrgetter("address"))]
    return send_all(parcels, now=now)
