from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from marketdata.providers.alpha_vantage import AlphaVantage
from marketdata.providers.port import (
    DayBar,
    Dividend,
    Fault,
    History,
    Match,
    ProviderFault,
    Split,
    VendorQuote,
)
from tests.marketdata.providers.formats.alpha_vantage import sentence
from tests.marketdata.providers.market import ACME
from tests.marketdata.providers.vendors import KEY, Vendors

FAULTS = {
    "daily": Fault.QUOTA_USED,
    "burst": Fault.QUOTA_USED,
    "old quota": Fault.QUOTA_USED,
    "paid": Fault.PAYMENT_REQUIRED,
    "key": Fault.KEY_REFUSED,
    "symbol": Fault.NOT_FOUND,
    "unknown": Fault.FORMAT_CHANGED,
}


@pytest.fixture
def alpha_vantage(vendors: Vendors) -> AlphaVantage:
    return AlphaVantage(KEY, base_url=vendors.url("alpha_vantage"), pause_s=0)


def functions(vendors: Vendors) -> list[str]:
    return [request.query["function"] for request in vendors.requests("alpha_vantage")]


def _flat(day: date) -> DayBar:
    return DayBar(
        day, close=Decimal(50), open=Decimal(50), high=Decimal(50), low=Decimal(50), volume=1
    )


@pytest.mark.parametrize(
    ("symbol", "asked", "day", "close"),
    [
        ("ACME", "ACME", "2026-11-20", "2026-11-20T21:00:00+00:00"),
        # A short session, and one of London.
        ("ACME", "ACME", "2026-11-27", "2026-11-27T18:00:00+00:00"),
        ("PLUM.L", "PLUM.LON", "2026-11-20", "2026-11-20T16:30:00+00:00"),
    ],
)
def test_a_quote_is_the_close_of_its_session(
    symbol: str, asked: str, day: str, close: str, alpha_vantage: AlphaVantage, vendors: Vendors
) -> None:
    vendors.set_price(
        symbol, "101.25", as_of=datetime.fromisoformat(f"{day}T12:00+00:00"), previous_close="100.5"
    )
    assert alpha_vantage.quotes([asked]) == [
        VendorQuote(
            *(asked, Decimal("101.25"), datetime.fromisoformat(close)),
            currency=None,
            previous_close=Decimal("100.5"),
        )
    ]


def test_a_quote_of_a_day_without_a_session_is_refused(
    alpha_vantage: AlphaVantage, vendors: Vendors
) -> None:
    vendors.set_price("ACME", "101.25", as_of=datetime(2026, 11, 22, tzinfo=UTC))
    with pytest.raises(ProviderFault) as caught:
        alpha_vantage.quotes(["ACME"])
    assert caught.value.fault is Fault.FORMAT_CHANGED


def test_an_unknown_symbol_is_absent_from_quotes(alpha_vantage: AlphaVantage) -> None:
    assert alpha_vantage.quotes(["NONE"]) == []


def test_days_bring_splits_and_dividends_of_the_range(
    alpha_vantage: AlphaVantage, vendors: Vendors
) -> None:
    found = alpha_vantage.days("ACME", since=date(2026, 11, 17), until=date(2026, 11, 19))
    assert found == History(
        bars=list(ACME.bars[1:4]),
        splits=[Split(date(2026, 11, 18), Decimal(2), Decimal(1))],
        dividends=[Dividend(date(2026, 11, 19), Decimal("0.25"))],
    )
    assert functions(vendors) == ["TIME_SERIES_DAILY", "SPLITS", "DIVIDENDS"]


def test_the_day_of_payment_is_read_where_it_is_stated(
    alpha_vantage: AlphaVantage, vendors: Vendors
) -> None:
    dividend = Dividend(date(2026, 11, 19), Decimal("0.25"), date(2026, 12, 4))
    vendors.market.securities["ACME"] = replace(ACME, dividends=(dividend,))
    found = alpha_vantage.days("ACME", since=date(2026, 11, 17), until=date(2026, 11, 19))
    assert found.dividends == [dividend]


def test_a_reverse_split_with_four_decimals_is_its_ratio(
    alpha_vantage: AlphaVantage, vendors: Vendors
) -> None:
    split = Split(date(2026, 11, 18), Decimal(1), Decimal(15))
    vendors.market.securities["ACME"] = replace(ACME, splits=(split,))
    found = alpha_vantage.days("ACME", since=date(2026, 11, 17), until=date(2026, 11, 19))
    assert found.splits == [split]


@pytest.mark.parametrize(("since", "sizes"), [(50, ["compact"]), (101, ["compact", "full"])])
def test_the_whole_history_is_asked_for_only_where_the_short_one_ends_too_late(
    since: int, sizes: list[str], alpha_vantage: AlphaVantage, vendors: Vendors
) -> None:
    newest = date(2026, 11, 20)
    vendors.set_bars(
        "ACME",
        [_flat(newest - timedelta(days=ago)) for ago in range(150, -1, -1)],
    )
    found = alpha_vantage.days("ACME", since=newest - timedelta(days=since), until=newest)
    assert len(found.bars) == since + 1
    asked = [request.query.get("outputsize") for request in vendors.requests("alpha_vantage")]
    assert [size for size in asked if size] == sizes


def test_minutes_are_asked_for_by_month_and_are_of_new_york(
    alpha_vantage: AlphaVantage, vendors: Vendors
) -> None:
    found = alpha_vantage.minutes(
        "ACME",
        since=datetime(2026, 10, 31, tzinfo=UTC),
        until=datetime(2026, 11, 20, 14, 33, tzinfo=UTC),
    )
    assert found == list(ACME.minutes[:2])
    months = [request.query["month"] for request in vendors.requests("alpha_vantage")]
    assert months == ["2026-10", "2026-11"]


def test_a_search_knows_currency_and_exchange(alpha_vantage: AlphaVantage) -> None:
    assert alpha_vantage.search("plum") == [
        Match("PLUM.LON", "Plum Orchards plc", "equity", "GBX", "XLON")
    ]


@pytest.mark.parametrize("name", FAULTS)
def test_a_sentence_is_its_fault_and_never_repeated(
    name: str, alpha_vantage: AlphaVantage, vendors: Vendors
) -> None:
    vendors.answer_with("alpha_vantage", sentence(name, KEY).body)
    with pytest.raises(ProviderFault) as caught:
        alpha_vantage.days("ACME", since=date(2026, 11, 17), until=date(2026, 11, 19))
    assert caught.value.fault is FAULTS[name]
    assert KEY not in f"{caught.value} {caught.value.detail} {alpha_vantage!r}"


def test_the_requests_of_a_call_are_apart(
    vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("marketdata.providers.alpha_vantage.time.sleep", waited.append)
    alpha_vantage = AlphaVantage(KEY, base_url=vendors.url("alpha_vantage"))
    alpha_vantage.days("ACME", since=date(2026, 11, 17), until=date(2026, 11, 19))
    assert waited.count(1.1) == 2  # other threads sleep too
