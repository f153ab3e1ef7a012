"""Calendars that the library cannot compute, or not far enough."""

from datetime import UTC, date, datetime, timedelta

import pytest

from marketdata.calendars import hours, session_opened
from marketdata.providers.exchanges import ALPHA_VANTAGE, YAHOO

EXCHANGES = sorted({*YAHOO.values(), *ALPHA_VANTAGE.values()} - {""})


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_no_exchange_of_a_vendor_breaks_the_feed(exchange: str) -> None:
    """Each has hours or none, the whole year round."""
    for month in range(1, 13):
        now = datetime(2026, month, 28, 15, tzinfo=UTC)
        found = hours(exchange=exchange, now=now)
        assert found is None or found.opened_at <= now < found.opens_at


@pytest.mark.parametrize("exchange", ["XBOM", "XSES", "XSHG"])
def test_holidays_that_are_published_for_this_year_alone_are_used(exchange: str) -> None:
    """Otherwise its prices would count as fresh for a day, whatever happens."""
    now = datetime(2026, 11, 25, 5, 45, tzinfo=UTC)
    found = hours(exchange=exchange, now=now)
    assert found is not None
    assert found.closes_at - now < timedelta(hours=8)


def test_behind_the_last_known_session_there_are_no_hours() -> None:
    assert hours(exchange="XBOM", now=datetime(2026, 12, 31, 20, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("exchange", "now", "session"),
    [
        # An evening in New York is tomorrow in UTC, a morning in Wellington yesterday.
        ("XNYS", datetime(2026, 11, 24, 0, 30, tzinfo=UTC), date(2026, 11, 23)),
        ("XNYS", datetime(2026, 11, 24, 13, tzinfo=UTC), date(2026, 11, 23)),
        ("XNZE", datetime(2026, 11, 23, 22, tzinfo=UTC), date(2026, 11, 24)),
        ("NOWHERE", datetime(2026, 11, 23, 22, tzinfo=UTC), None),
    ],
)
def test_the_newest_session_is_named_by_the_exchange_s_own_day(
    exchange: str, now: datetime, session: date | None
) -> None:
    assert session_opened(exchange=exchange, now=now) == session
