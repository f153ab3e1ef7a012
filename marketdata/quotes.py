"""A price and its staleness. Pure.

Staleness by source:
    replay    when older than a minute: the replay ticks once a second, day and night
    close     the last close of a feed without quotes: when a later session has closed. Without a
              calendar of the exchange: after four days, a long weekend
    manual, file, trade
              when its day lies more than 35 days back: owners enter prices about monthly
    par       never: a unit of cash is worth one
    others    against the exchange. While it is closed a price is fresh if it was made at most
              15 minutes before the last close. While it is open, if it is at most 15 minutes
              old; in the first 15 minutes the last close still counts. Without a calendar of the
              exchange: a day.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from core.dates import instant_text
from core.money import plain
from marketdata.calendars import Hours, hours

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


def is_stale(
    *,
    source: str,
    as_of: datetime,
    now: datetime,
    exchange: str,
    hours_of: Callable[..., Hours | None] = hours,
) -> bool:
    """Apply the rule above. `hours_of` is called only if the exchange matters."""
    age = now - as_of
    if source == PAR:
        return False
    if source == REPLAY:
        return age > _REPLAY_AGE_MAX
    if source in OWN:
        return age > _OWN_AGE_MAX
    if source == CLOSE:
        session = hours_of(exchange=exchange, now=now) if exchange else None
        return age > _CLOSE_AGE_MAX if session is None else as_of.date() < session.closed_at.date()
    if not exchange:
        return age > _AGE_MAX
    if age <= _SESSION_AGE_MAX:
        return False
    market = hours_of(exchange=exchange, now=now)
    if market is None:
        return age > _AGE_MAX
    if market.is_open and now - market.opened_at > _SESSION_AGE_MAX:
        return True
    return as_of < market.closed_at - _SESSION_AGE_MAX


def last_close(*, symbol: str, close: Decimal, day: int, exchange: str, now: datetime) -> Quote:
    """Return the last close of an asset without quotes; `day` is the ordinal of its session."""
    as_of = datetime.combine(date.fromordinal(day), time(), tzinfo=UTC)
    stale = is_stale(source=CLOSE, as_of=as_of, now=now, exchange=exchange)
    return Quote(symbol, close, as_of, stale, CLOSE, None, exchange)


def quote_fields(quote: Quote) -> dict[str, object]:
    """Return a quote as Redis, the stream and the API show it."""
    return {
        "symbol": quote.symbol,
        "price": plain(quote.price),
        "as_of": instant_text(quote.as_of),
        "stale": quote.stale,
        "source": quote.source,
        "previous_close": None if quote.previous_close is None else plain(quote.previous_close),
        "exchange": quote.exchange,
    }


def encoded(quote: Quote) -> str:
    """Return the JSON text of a quote."""
    return json.dumps(quote_fields(quote), separators=(",", ":"))


def decoded(payload: bytes | str, *, now: datetime) -> Quote:
    """Return a quote from its JSON text, with staleness judged at `now`."""
    fields = json.loads(payload)
    as_of = datetime.fromisoformat(fields["as_of"]).astimezone(UTC)
    close = fields.get("previous_close")
    exchange = fields.get("exchange", "")
    return Quote(
        symbol=fields["symbol"],
        price=Decimal(fields["price"]),
        as_of=as_of,
        stale=is_stale(source=fields["source"], as_of=as_of, now=now, exchange=exchange),
        source=fields["source"],
        previous_close=None if close is None else Decimal(close),
        exchange=exchange,
    )
