"""Load the minutes of an asset's last session from its vendor, after the session has settled.

The live feed makes minutes of trades where a vendor sends trades. A vendor of quotes sends none, so
its minutes come the evening after. Minutes that are stored already are replaced where they differ:
the vendor has corrected them.
"""

import logging
from datetime import datetime, timedelta

from marketdata.calendars import hours
from marketdata.minute_bars import CheckedMinutes, checked_minutes
from marketdata.models import Listing
from marketdata.operations.asking import ask, providers
from marketdata.operations.refusals import note_refusals
from marketdata.providers.port import Capability, ProviderFault
from stores.rows import rows_of

logger = logging.getLogger(__name__)

_WRITE = """
INSERT INTO marketdata_minutebar (asset_id, at, open, high, low, close, volume)
SELECT %(asset)s, at, open, high, low, close, volume
  FROM unnest(%(at)s::timestamptz[], %(open)s::bigint[], %(high)s::bigint[], %(low)s::bigint[],
              %(close)s::bigint[], %(volume)s::bigint[])
       AS given(at, open, high, low, close, volume)
ON CONFLICT (asset_id, at) DO UPDATE
   SET open = EXCLUDED.open, high = EXCLUDED.high, low = EXCLUDED.low, close = EXCLUDED.close,
       volume = EXCLUDED.volume
 WHERE (marketdata_minutebar.open, marketdata_minutebar.high, marketdata_minutebar.low,
        marketdata_minutebar.close, marketdata_minutebar.volume)
       IS DISTINCT FROM
       (EXCLUDED.open, EXCLUDED.high, EXCLUDED.low, EXCLUDED.close, EXCLUDED.volume)
RETURNING at
"""


def load_minutes(*, listing: Listing, per: int, settled: datetime, now: datetime) -> int:
    """Return how many minutes of the last session before `settled` were new or different.

    `per`: how many of the vendor's units are one of the asset's (100 for pence). Without a calendar
    of the exchange, or where the vendor has no minutes or no answer, nothing is written.
    """
    provider = providers()[listing.provider]
    exchange = listing.asset.exchange
    session = hours(exchange=exchange, now=settled) if exchange else None
    if Capability.MINUTES not in provider.capabilities or session is None:
        return 0
    until = session.closed_at
    opened = hours(exchange=exchange, now=until - timedelta(seconds=1))
    assert opened is not None, "the calendar was there a moment ago"
    since = opened.opened_at
    try:
        found = ask(
            provider,
            "minutes",
            lambda vendor: vendor.minutes(listing.provider_symbol, since=since, until=until),
            now=now,
        )
    except ProviderFault:
        return 0  # logged and counted where it was asked; the next session brings its own
    minutes = checked_minutes(found, since=since, until=until, per=per)
    note_refusals("minutes", minutes.refused, provider=listing.provider, of=listing, now=now)
    return _written(listing.asset_id, minutes)


def _written(asset_id: int, minutes: CheckedMinutes) -> int:
    if not minutes.kept:
        return 0
    columns = ("at", "open", "high", "low", "close", "volume")
    values = {name: [getattr(one, name) for one in minutes.kept] for name in columns}
    return len(rows_of(_WRITE, {"asset": asset_id, **values}))
