from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from marketdata.providers.alpaca import Alpaca
from marketdata.providers.port import (
    Dividend,
    Fault,
    History,
    ProviderFault,
    Split,
    VendorQuote,
)
from tests.marketdata.providers.market import ACME
from tests.marketdata.providers.vendors import KEY, Vendors

NOON = datetime(2026, 11, 20, 17, 0, 0, 123456, tzinfo=UTC)
SPLIT = Split(date(2026, 11, 18), Decimal(2), Decimal(1))


@pytest.fixture
def alpaca(vendors: Vendors) -> Alpaca:
    return Alpaca(KEY, KEY, base_url=vendors.url("alpaca"))


def test_quotes_of_many_securities_take_one_call(alpaca: Alpaca, vendors: Vendors) -> None:
    vendors.set_price("ACME", "101.25", as_of=NOON)
    vendors.set_price("BOLT", "50.1", as_of=NOON)
    assert alpaca.quotes(["ACME", "BOLT", "NONE"]) == [
        VendorQuote("ACME", Decimal("101.25"), NOON, "USD", Decimal("100.5")),
        VendorQuote("BOLT", Decimal("50.1"), NOON, "USD", Decimal("49.9")),
    ]
    assert vendors.calls("alpaca") == 1


def test_a_security_that_traded_nothing_yet_is_absent(alpaca: Alpaca, vendors: Vendors) -> None:
    vendors.answer_with("alpaca", b'{"A": null, "B": {"latestTrade": null, "prevDailyBar": null}}')
    assert alpaca.quotes(["A", "B"]) == []


def test_days_go_on_over_pages_and_stop_after_the_range(alpaca: Alpaca, vendors: Vendors) -> None:
    found = alpaca.days("ACME", since=date(2026, 11, 16), until=date(2026, 11, 19))
    assert found == History(
        bars=list(ACME.bars[:4]),
        splits=[SPLIT],
        dividends=[Dividend(date(2026, 11, 19), Decimal("0.25"))],
        currency="USD",
    )
    asked = [request for request in vendors.requests("alpaca") if request.path.endswith("bars")]
    assert [request.query.get("page_token") for request in asked] == [None, "2", "4"]
    assert all("end" not in request.query for request in asked)


def test_a_dividend_is_found_by_its_ex_date_though_it_is_paid_weeks_later(
    alpaca: Alpaca,
) -> None:
    found = alpaca.days("ACME", since=date(2026, 11, 19), until=date(2026, 11, 19))
    assert found.dividends == [Dividend(date(2026, 11, 19), Decimal("0.25"))]
    assert found.splits == []
    later = alpaca.days("ACME", since=date(2026, 12, 19), until=date(2026, 12, 19))
    assert later.dividends == []


def test_the_day_of_payment_is_read_where_it_is_stated(alpaca: Alpaca, vendors: Vendors) -> None:
    dividend = Dividend(date(2026, 11, 19), Decimal("0.25"), date(2026, 12, 4))
    vendors.market.securities["ACME"] = replace(ACME, dividends=(dividend,))
    found = alpaca.days("ACME", since=date(2026, 11, 19), until=date(2026, 11, 19))
    assert found.dividends == [dividend]


def test_a_reverse_split_makes_shares_fewer(alpaca: Alpaca, vendors: Vendors) -> None:
    split = Split(date(2026, 11, 18), Decimal(1), Decimal(10))
    vendors.market.securities["ACME"] = replace(ACME, splits=(split,))
    found = alpaca.days("ACME", since=date(2026, 11, 18), until=date(2026, 11, 18))
    assert found.splits == [split]


def test_minutes_begin_with_since_and_end_before_until(alpaca: Alpaca) -> None:
    found = alpaca.minutes(
        "ACME",
        since=datetime(2026, 11, 20, 14, 30, tzinfo=UTC),
        until=datetime(2026, 11, 20, 14, 33, tzinfo=UTC),
    )
    assert found == list(ACME.minutes[:2])


def test_a_security_without_bars_has_an_empty_history(alpaca: Alpaca) -> None:
    found = alpaca.days("NONE", since=date(2026, 11, 16), until=date(2026, 11, 19))
    assert found == History([], [], [], "USD")


def test_pages_that_never_end_are_refused(
    alpaca: Alpaca, vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketdata.providers.alpaca._PAGES_MAX", 3)
    vendors.answer_with("alpaca", b'{"bars": {}, "next_page_token": "again"}')
    with pytest.raises(ProviderFault) as caught:
        alpaca.days("ACME", since=date(2026, 11, 16), until=date(2026, 11, 19))
    assert caught.value.fault is Fault.FORMAT_CHANGED
    assert vendors.calls("alpaca") == 3


def test_another_secret_is_refused_and_in_no_message(vendors: Vendors) -> None:
    other = Alpaca(KEY, "another-s3cret", base_url=vendors.url("alpaca"))
    with pytest.raises(ProviderFault) as caught:
        other.quotes(["ACME"])
    assert caught.value.fault is Fault.KEY_REFUSED
    assert "another-s3cret" not in f"{caught.value} {other!r}"
    assert KEY not in f"{caught.value} {other!r}"
