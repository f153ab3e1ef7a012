"""Opening times of exchanges: sessions, opens and closes. Pure: computed, not fetched.

The library imports pandas, so it is imported on first use, never at start-up.
"""

import logging
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar


logger = logging.getLogger(__name__)


class UnknownExchange(LookupError):
    """The calendar library has no exchange of this name, or none for this year."""


@dataclass(frozen=True, slots=True)
class Hours:
    """The newest open and close at one moment, and the next ones."""

    opened_at: datetime
    closed_at: datetime
    opens_at: datetime
    closes_at: datetime

    @property
    def is_open(self) -> bool:
        # Where the market never closes, a session opens when the one before it closes.
        return self.opened_at >= self.closed_at


@dataclass(frozen=True, slots=True)
class Session:
    """A day on which an exchange is open, its open and its close."""

    day: date
    opens_at: datetime
    closes_at: datetime


@lru_cache(maxsize=512)
def is_known(exchange: str) -> bool:
    """Return whether the library has a calendar of this name."""
    from exchange_calendars import get_calendar_names

    return exchange in get_calendar_names()


@lru_cache(maxsize=32)
def _calendar(exchange: str, year: int) -> "ExchangeCalendar":
    """Return the calendar of a year and its neighbors, with explicit bounds."""
    from exchange_calendars import get_calendar
    from exchange_calendars.errors import InvalidCalendarName

    fault: Exception | None = None
    # The holidays of some exchanges are published no further than this year.
    for last_year in (year + 1, year):
        try:
            return get_calendar(exchange, start=f"{year - 1}-01-01", end=f"{last_year}-12-31")
        except (InvalidCalendarName, ValueError, NotImplementedError) as error:
            # The library cannot compute every calendar it names.
            fault = fault or error
    raise UnknownExchange(f"{exchange} {year}: {fault}") from fault


def last_session_before(*, exchange: str, day: date) -> date:
    """Return the newest session of the exchange before `day`."""
    found = _calendar(exchange, day.year).date_to_session(
        (day - timedelta(days=1)).isoformat(), direction="previous"
    )
    return date(found.year, found.month, found.day)


def last_session_over(*, exchange: str, now: datetime) -> date:
    """Return the newest session before the current day at the exchange."""
    zone = ZoneInfo(str(_calendar(exchange, now.year).tz))
    return last_session_before(exchange=exchange, day=now.astimezone(zone).date())


def last_session_closed(*, exchange: str, now: datetime) -> date:
    """Return the newest session that has closed, on the exchange's own day."""
    _, closes = _edges(exchange, now.year)
    closed = bisect_right(closes, round(now.timestamp()))
    return _session(exchange, now.year, closed - 1)


def sessions(*, exchange: str, first: date, last: date) -> list[Session]:
    """Return the sessions of a range of at most a year, by day; none for an unknown exchange."""
    try:
        calendar = _calendar(exchange, last.year)
    except UnknownExchange as error:
        _log_once(str(error))
        return []
    found = calendar.schedule.loc[first.isoformat() : last.isoformat(), ["open", "close"]]
    return [
        Session(day.date(), opens_at.to_pydatetime(), closes_at.to_pydatetime())
        for day, opens_at, closes_at in found.itertuples()
    ]


def session_close(*, exchange: str, session: date) -> datetime:
    """Return the instant at which a session closes."""
    close: datetime = (
        _calendar(exchange, session.year).session_close(session.isoformat()).to_pydatetime()
    )
    return close


def hours(*, exchange: str, now: datetime) -> Hours | None:
    """Return the newest open and close of the exchange up to `now`, and the next ones.

    Return None for an exchange without a calendar, or where its calendar ends before the next
    session, so that one bad name does not affect the other assets.
    """
    try:
        opens, closes = _edges(exchange, now.year)
    except UnknownExchange as error:
        _log_once(str(error))
        return None
    moment = round(now.timestamp())
    opened, closed = bisect_right(opens, moment), bisect_right(closes, moment)
    if not (0 < opened < len(opens) and 0 < closed < len(closes)):
        _log_once(f"{exchange} {now.year}: the calendar ends")
        return None
    return Hours(
        opened_at=_instant(opens[opened - 1]),
        closed_at=_instant(closes[closed - 1]),
        opens_at=_instant(opens[opened]),
        closes_at=_instant(closes[closed]),
    )


def session_opened(*, exchange: str, now: datetime) -> date | None:
    """Return the newest session that has opened, on the exchange's own day; None if unknown."""
    try:
        opens, _ = _edges(exchange, now.year)
    except UnknownExchange as error:
        _log_once(str(error))
        return None
    opened = bisect_right(opens, round(now.timestamp()))
    if not opened:
        return None
    return _session(exchange, now.year, opened - 1)


def _session(exchange: str, year: int, place: int) -> date:
    """Return the day of one of the sessions whose opens and closes `_edges` lists."""
    session: date = _calendar(exchange, year).sessions[place].date()
    return session


@lru_cache(maxsize=32)
def _edges(exchange: str, year: int) -> tuple[list[int], list[int]]:
    """Return all opens and all closes of a year and its neighbors, in Unix seconds."""
    calendar = _calendar(exchange, year)
    opens, closes = (
        [int(nanos) // 1_000_000_000 for nanos in edges]
        for edges in (calendar.opens_nanos, calendar.closes_nanos)
    )
    return opens, closes


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


@lru_cache(maxsize=256)
def _log_once(message: str) -> None:
    logger.error("exchange calendar missing, prices count as stale by their age alone: %s", message)
