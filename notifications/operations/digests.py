"""Send due digests: one mail to a person, with a line for each event since the last."""

from datetime import datetime
from itertools import groupby
from operator import attrgetter

from notifications.models import Channel
from notifications.operations.claims import Claimed, taken
from notifications.operations.email import send_all
from notifications.operations.still_wanted import still_wanted

PEOPLE_AT_ONCE = 20
LINES_MAX = 200
_OF_PEOPLE = """
WITH due AS (
    SELECT DISTINCT address FROM (
        SELECT address FROM notifications_delivery
         WHERE channel = 'digest' AND NOT urgent AND state = 'waiting'
           AND next_at <= statement_timestamp()
         ORDER BY next_at LIMIT 1000) oldest
     LIMIT %(people)s),
mine AS (
    SELECT id, NULL AS looked_up_to FROM notifications_delivery
     WHERE channel = 'digest' AND address IN (SELECT address FROM due) AND state = 'waiting'
       AND next_at <= statement_timestamp()
     ORDER BY id LIMIT %(rows)s FOR UPDATE SKIP LOCKED)
"""


def deliver_digests(*, now: datetime) -> int:
    """Send the digests that are due. Return how many, or 0 if the server is down."""
    claimed = taken(_OF_PEOPLE, {"people": PEOPLE_AT_ONCE, "rows": PEOPLE_AT_ONCE * LINES_MAX})
    wanted = sorted(still_wanted(claimed, channel=Channel.EMAIL), key=attrgetter("address", "id"))
    parcels: list[list[Claimed]] = [list(of) for _, of in groupby(wanted, attrgetter("address"))]
    return send_all(parcels, now=now) if parcels else len(claimed)
