from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from marketdata.providers.port import (
    DayBar,
    Dividend,
    Fault,
    History,
    Match,
    MinuteBar,
    ProviderFault,
    Split,
    VendorQuote,
)
from marketdata.providers.tiingo import Tiingo
from tests.marketdata.providers.vendors import KEY, Vendors

NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


@pytest.fixture
def tiingo(vendors: Vendors) -> Tiingo:
    return Tiingo(KEY, base_url=vendors.url("tiingo"))


def test_quotes_of_many_securities_take_one_call_and_leave_out_unknown_ones(
    tiingo: Tiingo, vendors: Vendors
) -> None:
    vendors.set_price("ACME", "101.25", as_of=NOON)
    vendors.set_price("BOLT", "50.1", as_of=NOON)
    assert tiingo.quotes(["ACME", "BOLT", "NONE"]) == [
        VendorQuote("ACME", Decimal("101.25"), NOON, "USD", Decimal("100.5")),
        VendorQuote("BOLT", Decimal("50.1"), NOON, "USD", Decimal("49.9")),
    ]
    assert vendors.calls("tiingo") == 1


def test_days_are_raw_and_bring_the_splits_and_dividends_of_the_range(tiingo: Tiingo) -> None:
    found = tiingo.days("ACME", since=date(2026, 11, 17), until=date(2026, 11, 19))
    assert found == History(
        bars=[
            _day(17, "199", "198.1", "199.75", "197.5", 1_300_000),
            _day(18, "99.75", "99.6", "100.25", "99.1", 2_500_000),
            _day(19, "100.1", "99.8", "100.4", "99.55", 2_100_000),
        ],
        splits=[Split(date(2026, 11, 18), Decimal(2), Decimal(1))],
        dividends=[Dividend(date(2026, 11, 19), Decimal("0.25"))],
        currency="USD",
    )


def _day(day: int, close: str, opened: str, high: str, low: str, volume: int) -> DayBar:
    return DayBar(
        date(2026, 11, day), Decimal(close), Decimal(opened), Decimal(high), Decimal(low), volume
    )


def test_minutes_begin_with_since_and_end_before_until(tiingo: Tiingo) -> None:
    found = tiingo.minutes(
        "ACME",
        since=datetime(2026, 11, 20, 14, 31, tzinfo=UTC),
        until=datetime(2026, 11, 20, 14, 33, tzinfo=UTC),
    )
    prices = (Decimal("100.25"), Decimal("100.4"), Decimal("100.2"), Decimal("100.35"))
    assert found == [MinuteBar(datetime(2026, 11, 20, 14, 31, tzinfo=UTC), *prices, 700)]


def test_a_search_finds_names_and_types_of_securities(tiingo: Tiingo) -> None:
    assert tiingo.search("total market") == [
        Match("BOLT", "Bolt Total Market ETF", "etf", currency=None, exchange="XNYS")
    ]


def test_a_security_it_does_not_know_is_not_found(tiingo: Tiingo) -> None:
    with pytest.raises(ProviderFault) as caught:
        tiingo.days("NONE", since=date(2026, 11, 17), until=date(2026, 11, 19))
    assert caught.value.fault is Fault.NOT_FOUND


def test_another_key_is_refused_and_in_no_message(vendors: Vendors) -> None:
    other = Tiingo("another-s3cret", base_url=vendors.url("tiingo"))
    with pytest.raises(ProviderFault) as caught:
        other.quotes(["ACME"])
    assert caught.value.fault is Fault.KEY_REFUSED
    assert "another-s3cret" not in f"{caught.value} {caught.value.detail} {other!r}"
