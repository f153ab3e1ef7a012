"""Histories of vendors: loaded once, corrected, checked, and resumed after a kill."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any

import pytest

from marketdata.day_bars import checked_days
from marketdata.operations.histories import RETRY, load_due_histories
from marketdata.providers.port import DayBar
from tests.marketdata.providers.market import day_bar

pytestmark = pytest.mark.django_db(transaction=True)

# Saturday: the week's sessions have settled.
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def load(now: datetime = NOW) -> list[Any]:
    return load_due_histories(now=now, stop=lambda: False)


def closes(asset: Any) -> dict[str, str]:
    from marketdata.models import DailyPrice

    rows = DailyPrice.objects.filter(asset=asset).order_by("date").values_list("date", "close")
    return {day.isoformat(): f"{close:f}".rstrip("0").rstrip(".") for day, close in rows}


@pytest.fixture
def due(listed: Callable[..., Any]) -> Callable[..., Any]:
    """An asset whose first listing is due."""

    def make(symbol: str = "ACME", *providers: str) -> Any:
        asset = listed(symbol, *providers)
        asset.listings.filter(rank=0).update(days_due_at=NOW)
        return asset

    return make


def test_sessions_splits_and_dividends_come_with_the_first_load(
    pair: Any, due: Callable[..., Any]
) -> None:
    from marketdata.models import AnnouncedDividend, CorporateAction

    asset = due()
    [loaded] = load()
    assert (loaded.written, loaded.fault) == (5, None)
    assert closes(asset) == {
        "2026-11-16": "198",
        "2026-11-17": "199",
        "2026-11-18": "99.75",
        "2026-11-19": "100.1",
        "2026-11-20": "100.5",
    }
    action = CorporateAction.objects.get()
    assert (action.state, action.source, action.proposed_by) == ("proposed", "vendor", None)
    assert (action.ex_date, action.ratio_new, action.ratio_old) == (date(2026, 11, 18), D(2), D(1))
    dividend = AnnouncedDividend.objects.get()
    assert (dividend.ex_date, dividend.amount) == (date(2026, 11, 19), D("0.25"))
    listing = asset.listings.get(provider="first")
    assert (listing.days_until, listing.fault) == (date(2026, 11, 20), "")
    # The next session is Monday's; it settles after its close at 21:00 UTC.
    assert listing.days_due_at == datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
    assert load() == []


def test_a_corrected_close_replaces_the_old_one_and_nothing_comes_twice(
    pair: Any, due: Callable[..., Any]
) -> None:
    from marketdata.models import AnnouncedDividend, CorporateAction

    asset = due()
    load()
    bars = list(pair.first.market.securities["ACME"].bars)
    bars[-1] = replace(bars[-1], close=D("100.75"))
    pair.first.set_bars("ACME", [*bars, day_bar("2026-11-23", "100", "102", "99", "101", volume=5)])
    [loaded] = load(datetime(2026, 11, 23, 22, 31, tzinfo=UTC))
    assert loaded.written == 2
    assert closes(asset)["2026-11-20"] == "100.75"
    assert closes(asset)["2026-11-23"] == "101"
    assert (CorporateAction.objects.count(), AnnouncedDividend.objects.count()) == (1, 1)


@pytest.mark.parametrize("behaviour", ["silent", "500", "html", "404"])
def test_the_next_vendor_loads_when_the_first_fails(
    pair: Any, due: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, behaviour: str
) -> None:
    from marketdata.providers import http

    monkeypatch.setattr(http, "BULK_S_MAX", 2.0)
    asset = due()
    pair.behave("first", behaviour)
    first, second = load()
    assert first.fault is not None
    assert (second.listing.provider, second.written) == ("second", 5)
    assert len(closes(asset)) == 5
    kept = asset.listings.get(provider="first")
    assert kept.fault
    assert kept.days_due_at is None or kept.days_due_at >= NOW + RETRY


def test_a_claimed_listing_whose_worker_died_is_due_again(
    pair: Any, due: Callable[..., Any]
) -> None:
    from marketdata.operations.histories import _claimed

    asset = due()
    assert len(_claimed(["first", "second"], NOW)) == 1  # and nothing is ever written
    assert load() == []
    assert load(NOW + RETRY)[0].written == 5
    assert len(closes(asset)) == 5


def test_wrong_sessions_are_refused_and_the_others_kept(pair: Any, due: Callable[..., Any]) -> None:
    asset = due()
    bars = list(pair.first.market.securities["ACME"].bars)
    bars[2] = replace(bars[2], close=D(-1))
    bars[4] = replace(bars[3], day=date(2026, 11, 20))
    pair.first.set_bars("ACME", bars)
    [loaded] = load()
    assert loaded.written == 3
    assert list(closes(asset)) == ["2026-11-16", "2026-11-17", "2026-11-19"]


CASES: list[tuple[str, DayBar, str]] = [
    ("zero", day_bar("2026-11-20", "1", "1", "1", "0", volume=1), "price_not_positive"),
    ("tiny", day_bar("2026-11-20", "1", "1", "1", "0.000000001", volume=1), "price_not_positive"),
    ("huge", day_bar("2026-11-20", "1", "1e15", "1", "1", volume=1), "price_too_large"),
    ("close above high", day_bar("2026-11-20", "1", "2", "1", "3", volume=1), "high_below_low"),
    ("open below low", day_bar("2026-11-20", "1", "3", "2", "2", volume=1), "high_below_low"),
    ("future", day_bar("2026-11-21", "1", "1", "1", "1", volume=1), "day_out_of_range"),
    ("twice", day_bar("2026-11-19", "9", "9", "9", "9", volume=1), "day_twice"),
    ("repeated", day_bar("2026-11-20", "5", "6", "4", "5", volume=7), "day_repeated"),
]


@pytest.mark.parametrize(("bar", "code"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_each_wrong_session_has_a_code(bar: DayBar, code: str) -> None:
    good = day_bar("2026-11-19", "5", "6", "4", "5", volume=7)
    found = checked_days([good, bar], since=date(2026, 11, 1), until=date(2026, 11, 20))
    assert (found.kept, found.refused) == ([good], [(bar.day, code)])


def test_a_day_without_trades_may_equal_the_day_before() -> None:
    flat = DayBar(date(2026, 11, 19), D(5), D(5), D(5), D(5), 0)
    again = replace(flat, day=date(2026, 11, 20))
    found = checked_days([flat, again], since=date(2026, 11, 1), until=date(2026, 11, 20))
    assert found.kept == [flat, again]


def test_a_history_in_another_currency_is_refused_whole(pair: Any, due: Callable[..., Any]) -> None:
    asset = due("ACME", "first")
    type(asset).objects.filter(pk=asset.pk).update(currency="EUR")
    [loaded] = load()
    assert loaded.fault is not None
    assert closes(asset) == {}
    assert "USD" in asset.listings.get().fault
