"""When a price is stale: the rule as a table, on the real calendar of New York."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.core.exceptions import ValidationError

from marketdata.calendars import (
    UnknownExchange,
    hours,
    last_session_before,
    last_session_over,
    session_close,
)
from marketdata.models import Asset
from marketdata.quotes import Quote, decoded, encoded, is_stale

# Friday 2026-11-20 closes at 21:00 UTC; Thanksgiving is the 26th, the 27th closes at 18:00 UTC.
RULES = """
source   exchange  made              asked             stale
acme     XNYS      2026-11-20T20:59  2026-11-20T21:30  no     the close, minutes after
acme     XNYS      2026-11-20T20:59  2026-11-22T12:00  no     on Sunday Friday's close is the price
acme     XNYS      2026-11-20T20:40  2026-11-22T12:00  yes    but not one from before the close
acme     XNYS      2026-11-20T20:59  2026-11-23T14:35  no     Monday, five minutes after the open
acme     XNYS      2026-11-20T20:59  2026-11-23T15:00  yes    Monday, half an hour after the open
acme     XNYS      2026-11-23T14:50  2026-11-23T15:00  no     ten minutes old
acme     XNYS      2026-11-25T20:59  2026-11-26T18:00  no     Thanksgiving: no session to miss
acme     XNYS      2026-11-25T20:59  2026-11-27T19:00  yes    after the short Friday
acme     -         2026-11-20T20:59  2026-11-21T20:00  no     no calendar: a day
acme     -         2026-11-20T20:59  2026-11-21T21:30  yes
acme     NOWHERE   2026-11-20T20:59  2026-11-21T20:00  no     a name without a calendar: a day too
acme     NOWHERE   2026-11-20T20:59  2026-11-21T21:30  yes
acme     24/7      2026-11-22T12:00  2026-11-22T12:10  no     a market that never closes
acme     24/7      2026-11-22T12:00  2026-11-22T12:20  yes
acme     24/7      2026-11-22T23:50  2026-11-23T00:10  no     a session ends, the next one begins
replay   XNYS      2026-11-22T12:00  2026-11-22T12:00  no
replay   XNYS      2026-11-22T12:00  2026-11-22T12:02  yes    the feed stands still
manual   -         2026-10-20T00:00  2026-11-20T00:00  no     a month
file     -         2026-10-01T00:00  2026-11-20T00:00  yes
trade    -         2026-10-01T00:00  2026-11-20T00:00  yes
close    XNYS      2026-11-20T00:00  2026-11-23T15:00  no     Monday, no later session has closed
close    XNYS      2026-11-20T00:00  2026-11-23T21:30  yes    Monday's has
close    -         2026-11-20T00:00  2026-11-23T15:00  no     no calendar: four days
close    -         2026-11-20T00:00  2026-11-24T15:00  yes
par      -         2020-01-01T00:00  2026-11-20T00:00  no     cash
"""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("line", RULES.strip().splitlines()[1:])
def test_the_rule_of_staleness(line: str) -> None:
    source, exchange, made, asked, stale = line.split()[:5]
    found = is_stale(
        source=source,
        exchange="" if exchange == "-" else exchange,
        as_of=at(made),
        now=at(asked),
    )
    assert found == (stale == "yes")


def test_a_quote_read_later_is_judged_by_the_later_clock() -> None:
    made = Quote("AAA", D("12.50"), at("2026-11-22T12:00"), False, "replay", D("12"), "XNYS")
    text = encoded(made)
    assert text == (
        '{"symbol":"AAA","price":"12.5","as_of":"2026-11-22T12:00:00Z","fresh_until":"2026-11-22T12:01:00Z",'
        '"source":"replay","previous_close":"12","exchange":"XNYS"}'
    )
    assert decoded(text, now=made.as_of) == made
    assert decoded(text, now=made.as_of + timedelta(minutes=2)).stale


def test_the_last_session_is_counted_on_the_exchange_s_own_day() -> None:
    assert last_session_before(exchange="XNYS", day=date(2026, 11, 23)) == date(2026, 11, 20)
    assert last_session_before(exchange="XNYS", day=date(2026, 11, 27)) == date(2026, 11, 25)
    late = at("2026-11-24T03:00")  # still Monday evening in New York, Tuesday noon in Manila
    assert last_session_over(exchange="XNYS", now=late) == date(2026, 11, 20)
    assert last_session_over(exchange="XPHS", now=late) == date(2026, 11, 23)


def test_short_days_close_early() -> None:
    assert session_close(exchange="XNYS", session=date(2026, 11, 27)) == at("2026-11-27T18:00")
    market = hours(exchange="XNYS", now=at("2026-11-27T19:00"))
    assert market is not None
    assert (market.is_open, market.closed_at) == (False, at("2026-11-27T18:00"))


def test_an_unknown_exchange_is_logged_once_and_never_raised(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for hour in (10, 11, 12):
        assert hours(exchange="LEMURIA", now=datetime(2026, 11, 20, hour, tzinfo=UTC)) is None
    assert len([line for line in caplog.messages if "LEMURIA" in line]) == 1
    with pytest.raises(UnknownExchange):
        last_session_before(exchange="LEMURIA", day=date(2026, 11, 23))


@pytest.mark.parametrize(("name", "good"), [("XNYS", True), ("24/7", True), ("ATLANTIS", False)])
def test_an_asset_is_traded_on_an_exchange_with_a_calendar(name: str, good: bool) -> None:
    field = Asset._meta.get_field("exchange")
    if good:
        assert field.clean(name, None) == name
    else:
        with pytest.raises(ValidationError) as refusal:
            field.clean(name, None)
        assert refusal.value.error_list[0].code == "exchange_unknown"
