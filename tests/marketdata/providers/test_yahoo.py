from dataclasses import replace
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
from marketdata.providers.yahoo import Yahoo
from marketdata.providers.yahoo_chart import number
from tests.marketdata.providers.market import ACME
from tests.marketdata.providers.vendors import Vendors

NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


@pytest.fixture
def yahoo(vendors: Vendors) -> Yahoo:
    return Yahoo(base_url=vendors.url("yahoo"))


def test_a_quote_has_the_currency_of_the_exchange_even_pence(
    yahoo: Yahoo, vendors: Vendors
) -> None:
    vendors.set_price("PLUM.L", "812.5", as_of=NOON)
    assert yahoo.quotes(["PLUM.L"]) == [
        VendorQuote("PLUM.L", Decimal("812.5"), NOON, "GBp", Decimal(810))
    ]


def test_days_before_a_split_are_as_they_were_traded(yahoo: Yahoo) -> None:
    found = yahoo.days("ACME", since=date(2026, 11, 17), until=date(2026, 11, 19))
    assert found == History(
        bars=list(ACME.bars[1:4]),
        splits=[Split(date(2026, 11, 18), Decimal(2), Decimal(1))],
        dividends=[Dividend(date(2026, 11, 19), Decimal("0.25"))],
        currency="USD",
    )


def test_a_split_after_the_range_is_undone_too(yahoo: Yahoo) -> None:
    found = yahoo.days("ACME", since=date(2026, 11, 16), until=date(2026, 11, 17))
    assert [bar.close for bar in found.bars] == [Decimal(198), Decimal(199)]
    assert [bar.volume for bar in found.bars] == [1_200_000, 1_300_000]
    assert found.splits == []


def test_prices_before_splits_of_odd_ratios_have_seven_digits(
    yahoo: Yahoo, vendors: Vendors
) -> None:
    # 7:1 and 4:1 after the 16th: Yahoo says 23.432857513427734 for 656.12.
    splits = tuple(
        Split(date(2026, 11, day), Decimal(new), Decimal(1)) for day, new in ((17, 7), (18, 4))
    )
    price = Decimal("656.12")
    bar = DayBar(date(2026, 11, 16), price, price, price, price, volume=4_000)
    dividend = Dividend(date(2026, 11, 16), Decimal("3.29"))
    vendors.market.securities["ACME"] = replace(
        ACME, bars=(bar,), splits=splits, dividends=(dividend,)
    )
    found = yahoo.days("ACME", since=date(2026, 11, 16), until=date(2026, 11, 16))
    assert (found.bars, found.dividends) == ([bar], [dividend])


def test_a_range_without_sessions_is_empty(yahoo: Yahoo) -> None:
    assert yahoo.days("BOLT", since=date(2026, 11, 21), until=date(2026, 11, 22)).bars == []


def test_minutes_are_asked_for_a_week_at_a_time_and_end_before_until(
    yahoo: Yahoo, vendors: Vendors
) -> None:
    found = yahoo.minutes(
        "ACME",
        since=datetime(2026, 11, 12, tzinfo=UTC),
        until=datetime(2026, 11, 20, 14, 33, tzinfo=UTC),
    )
    assert found == list(ACME.minutes[:2])
    asked = [request.query["interval"] for request in vendors.requests("yahoo")]
    assert asked == ["1d", "1m", "1m"]


def test_minutes_before_a_split_are_as_they_were_traded(yahoo: Yahoo, vendors: Vendors) -> None:
    splits = (Split(date(2026, 11, 23), Decimal(5), Decimal(1)),)
    minute = MinuteBar(
        datetime(2026, 11, 20, 14, 30, tzinfo=UTC),
        *(Decimal("100.2"), Decimal("100.3"), Decimal("100.1"), Decimal("100.25")),
        volume=900,
    )
    vendors.market.securities["ACME"] = replace(ACME, splits=splits, minutes=(minute,))
    since = datetime(2026, 11, 20, tzinfo=UTC)
    assert yahoo.minutes("ACME", since=since, until=since.replace(day=21)) == [minute]


def test_a_search_leaves_out_futures_and_private_companies(yahoo: Yahoo) -> None:
    assert yahoo.search("plum") == [
        Match("PLUM.L", "Plum Orchards plc", "equity", currency=None, exchange="XLON")
    ]


def test_a_symbol_it_does_not_know_is_not_found(yahoo: Yahoo) -> None:
    with pytest.raises(ProviderFault) as caught:
        yahoo.quotes(["NONE"])
    assert caught.value.fault is Fault.NOT_FOUND


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("100.0999984741211", "100.1"),
        ("189.7100067138672", "189.71"),
        ("0.20499999821186066", "0.205"),
        ("189.71", "189.71"),
        ("1000000", "1000000"),
        ("623456.8125", "623456.8"),
        ("0", "0"),
    ],
)
def test_a_32_bit_float_is_read_as_its_shortest_number(written: str, meant: str) -> None:
    assert number(written) == Decimal(meant)
