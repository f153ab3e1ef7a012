"""A price and the moment until which it is fresh. Pure.

By source:
    replay    a minute: the replay ticks once a second, day and night
    close     the last close of a feed without quotes: until a later session closes. Without a
              calendar of the exchange: four days, a long weekend
    manual, file, trade
              35 days: owners enter prices about monthly
    par       forever: a unit of cash is worth one
    others    against the exchange. A price made while it is open: 15 minutes. One made in the last
              15 minutes of a session or after it: until 15 minutes into the next session. Without a
              calendar of the exchange: a day. The quotes of a vendor that delays them are older
              when they arrive, so these limits are longer by its delay.

The publisher of a quote computes that moment, because it needs the calendars, which load a large
library. Processes that read published quotes only compare it with their clock.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from core.dates import instant_text
from core.money import plain
from marketdata.calendars import Hours, hours
from marketdata.providers.registry import PROVIDERS

REPLAY = "replay"
PAR = "par"
# The sources of prices that are no quotes of a feed.
CLOSE = "close"
MANUAL = "manual"
FILE = "file"
TRADE = "trade"
OWN = frozenset({MANUAL, FILE, TRADE})

_REPLAY_AGE_MAX = timedelta(minutes=1)
_OWN_AGE_MAX = timedelta(days=35)
_CLOSE_AGE_MAX = timedelta(days=4)
_SESSION_AGE_MAX = timedelta(minutes=15)
_AGE_MAX = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Quote:
    """The newest known price of an asset."""

    symbol: str
    price: Decimal
    as_of: datetime
    stale: bool
    source: str
    previous_close: Decimal | None
    exchange: str = ""


def fresh_until(
    *,
    source: str,
    as_of: datetime,
    exchange: str,
    hours_of: Callable[..., Hours | None] = hours,
) -> datetime | None:
    """Apply the rule above; None means forever. `hours_of` is called only if it matters."""
    if source == PAR:
        return None
    if source == REPLAY:
        return as_of + _REPLAY_AGE_MAX
    if source in OWN:
        return as_of + _OWN_AGE_MAX
    if source == CLOSE:
        tomorrow = datetime.combine(as_of.date() + timedelta(days=1), time(), tzinfo=UTC)
        later = hours_of(exchange=exchange, now=tomorrow) if exchange else None
        return as_of + _CLOSE_AGE_MAX if later is None else later.closes_at
    session = hours_of(exchange=exchange, now=as_of) if exchange else None
    if session is None:
        return as_of + _AGE_MAX
    vendor = PROVIDERS.get(source)
    limit = _SESSION_AGE_MAX + (vendor.delay if vendor else timedelta(0))
    if session.is_open and as_of < session.closes_at - _SESSION_AGE_MAX:
        return as_of + limit
    return session.opens_at + limit


def is_stale(*, source: str, as_of: datetime, now: datetime, exchange: str) -> bool:
    """Return whether a price is no longer fresh at `now`."""
    until = fresh_until(source=source, as_of=as_of, exchange=exchange)
    return until is not None and now > until


def last_close(*, symbol: str, close: Decimal, day: int, exchange: str, now: datetime) -> Quote:
    """Return the last close of an asset without quotes; `day` is the ordinal of its session."""
    as_of = datetime.combine(date.fromordinal(day), time(), tzinfo=UTC)
    stale = is_stale(source=CLOSE, as_of=as_of, now=now, exchange=exchange)
    return Quote(symbol, close, as_of, stale, CLOSE, None, exchange)


def encoded(quote: Quote) -> str:
    """Return the JSON text of a quote, as Redis and the stream carry it."""
    until = fresh_until(source=quote.source, as_of=quote.as_of, exchange=quote.exchange)
    fields = {
        "symbol": quote.symbol,
        "price": plain(quote.price),
        "as_of": instant_text(quote.as_of),
        "fresh_until": None if until is None else instant_text(until),
        "source": quote.source,
        "previous_close": None if quote.previous_close is None else plain(quote.previous_close),
        "exchange": quote.exchange,
    }
    return json.dumps(fields, separators=(",", ":"))


def decoded(payload: bytes | str, *, now: datetime) -> Quote:
    """Return a quote from its JSON text, with staleness judged at `now`."""
    fields = json.loads(payload)
    # A quote of an earlier release has no such moment: it counts as old until the next one.
    until = fields.get("fresh_until", fields["as_of"])
    close = fields.get("previous_close")
    return Quote(
        symbol=fields["symbol"],
        price=Decimal(fields["price"]),
        as_of=datetime.fromisoformat(fields["as_of"]).astimezone(UTC),
        stale=until is not None and now > datetime.fromisoformat(until),
        source=fields["source"],
        previous_close=None if close is None else Decimal(close),
        exchange=fields.get("exchange", ""),
    )
