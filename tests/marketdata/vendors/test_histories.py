"""Histories of vendors: loaded once, corrected, checked, and resumed after a kill."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest
from billiard.exceptions import SoftTimeLimitExceeded

from marketdata.day_bars import checked_days, checked_dividends
from marketdata.minute_bars import checked_minutes
from marketdata.operations.histories import RETRY, load_due_histories
from marketdata.partitions import DAILY
from marketdata.providers.port import DayBar, Dividend
from tests.marketdata.providers.market import day_bar, minute_bar

pytestmark = pytest.mark.django_db(transaction=True)

# Saturday: the week's sessions have settled.
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def load(now: datetime = NOW) -> list[Any]:
    return load_due_histories(now=now, stop=lambda: False)


def closes(asset: Any) -> dict[str, str]:
    from marketdata.models import DailyPrice

    rows = DailyPrice.objects.filter(asset=asset).order_by("date").values_list("date", "close")
    return {day.isoformat(): f"{close:f}".rstrip("0").rstrip(".") for day, close in rows}


@pytest.fixture(autouse=True)
def _no_minutes_left() -> Iterator[None]:
    """Their table is not managed, so no test empties it."""
    from marketdata.models import MinuteBar

    yield
    MinuteBar.objects.all().delete()


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


def minutes(asset: Any) -> list[tuple[str, float, float, int]]:
    from marketdata.models import MinuteBar

    rows = MinuteBar.objects.filter(asset=asset).order_by("at")
    return [(f"{row.at:%m-%d %H:%M}", row.open / 1e8, row.close / 1e8, row.volume) for row in rows]


def test_the_minutes_of_the_last_session_come_with_its_close(
    pair: Any, due: Callable[..., Any]
) -> None:
    asset = due()
    [loaded] = load()
    assert loaded.minutes == 3
    assert minutes(asset) == [
        ("11-20 14:30", 100.2, 100.25, 900),
        ("11-20 14:31", 100.25, 100.35, 700),
        ("11-20 14:33", 100.35, 100.0, 1100),
    ]
    asset.listings.filter(rank=0).update(days_due_at=NOW)
    [again] = load()
    assert (again.minutes, len(minutes(asset))) == (0, 3)


MINUTES: list[tuple[str, dict[str, Any], str]] = [
    ("before the open", {"at": datetime(2026, 11, 20, 14, 29, tzinfo=UTC)}, "minute_out_of_range"),
    ("at the close", {"at": datetime(2026, 11, 20, 21, tzinfo=UTC)}, "minute_out_of_range"),
    ("in a minute", {"at": datetime(2026, 11, 20, 14, 31, 5, tzinfo=UTC)}, "minute_not_whole"),
    ("twice", {"at": datetime(2026, 11, 20, 14, 30, tzinfo=UTC)}, "minute_twice"),
    ("zero", {"low": D(0)}, "price_not_positive"),
    ("huge", {"high": D("1e15")}, "price_too_large"),
    ("crossed", {"high": D(99)}, "high_below_low"),
    ("negative volume", {"volume": -1}, "volume_negative"),
]


@pytest.mark.parametrize(
    ("change", "code"), [case[1:] for case in MINUTES], ids=[case[0] for case in MINUTES]
)
def test_each_wrong_minute_has_a_code(change: dict[str, Any], code: str) -> None:
    good = minute_bar("2026-11-20T14:30:00+00:00", "100", "101", "99", "100.5", volume=5)
    wrong = replace(good, **{"at": datetime(2026, 11, 20, 14, 31, tzinfo=UTC), **change})
    found = checked_minutes(
        [good, wrong],
        since=datetime(2026, 11, 20, 14, 30, tzinfo=UTC),
        until=datetime(2026, 11, 20, 21, tzinfo=UTC),
        per=1,
    )
    assert good.at in [one.at for one in found.kept]
    assert [found_code for _, found_code in found.refused] == [code]
    assert len(found.kept) == 1


def test_minutes_in_pence_are_kept_in_pounds() -> None:
    pence = minute_bar("2026-11-20T14:30:00+00:00", "812.5", "813", "812", "812.75", volume=5)
    [kept] = checked_minutes(
        [pence],
        since=datetime(2026, 11, 20, 14, tzinfo=UTC),
        until=datetime(2026, 11, 20, 15, tzinfo=UTC),
        per=100,
    ).kept
    assert (kept.open, kept.close) == (812_500_000, 812_750_000)


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
    ("endless", day_bar("2026-11-20", "1", "1e25", "1", "1", volume=1), "price_too_large"),
    ("sold short", day_bar("2026-11-20", "1", "1", "1", "1", volume=-1), "volume_wrong"),
    ("too many", day_bar("2026-11-20", "1", "1", "1", "1", volume=2**63), "volume_wrong"),
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


def test_two_dividends_of_one_day_are_added_and_wrong_ones_refused(
    pair: Any, due: Callable[..., Any]
) -> None:
    from marketdata.models import AnnouncedDividend

    asset = due()
    day = date(2026, 11, 19)
    found = checked_dividends(
        [
            Dividend(day, D("0.25")),
            Dividend(day, D("1.5"), date(2026, 12, 1)),
            Dividend(day, D("-1")),
            Dividend(date(2026, 11, 20), D("1e25")),
            Dividend(date(2026, 11, 21), D(1), date(2026, 12, 1)),
            Dividend(date(2026, 11, 22), D(1), date(2026, 11, 21)),
        ]
    )
    assert found.kept == [
        Dividend(day, D("1.75")),  # one of the two days of payment would be wrong
        Dividend(date(2026, 11, 21), D(1), date(2026, 12, 1)),
    ]
    assert [code for _, code in found.refused] == [
        "dividend_not_positive",
        "dividend_too_large",
        "dividend_paid_before_ex_date",
    ]
    security = pair.first.market.securities["ACME"]
    pair.first.market.securities["ACME"] = replace(
        security,
        dividends=(
            Dividend(day, D("-0.25")),
            Dividend(date(2026, 11, 20), D("0.5")),
        ),
    )
    [loaded] = load()
    assert (loaded.written, loaded.fault) == (5, None)
    assert [row.amount for row in AnnouncedDividend.objects.filter(asset=asset)] == [D("0.5")]


def test_a_history_the_database_refuses_does_not_stop_the_others(
    pair: Any, due: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from marketdata.operations import histories

    broken, asset = due("ACME", "first"), due("BOLT", "first")
    write = histories.write_days

    def refusing(*, asset_id: int, bars: Any) -> int:
        if asset_id == broken.pk:
            bars = [replace(bars[0], close=D("1e17"))]  # more digits than the column has
        return write(asset_id=asset_id, bars=bars)

    monkeypatch.setattr(histories, "write_days", refusing)
    first, second = load()
    assert (first.fault is not None, second.written) == (True, 2)
    assert len(closes(asset)) == 2
    listing = broken.listings.get()
    assert (listing.fault != "", listing.days_due_at) == (True, NOW + RETRY)


def test_listings_that_were_claimed_and_not_asked_for_are_due_at_once(
    pair: Any, due: Callable[..., Any]
) -> None:
    due("ACME", "first")
    bolt = due("BOLT", "first")
    answers = iter([False, False, True, True])
    assert len(load_due_histories(now=NOW, stop=lambda: next(answers))) == 1
    assert bolt.listings.get().days_due_at == NOW


def test_a_task_whose_time_is_over_ends_and_keeps_the_claims_of_the_others(
    pair: Any, due: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from marketdata.providers.tiingo import Tiingo

    acme, bolt = due("ACME", "first"), due("BOLT", "first")

    def over(*arguments: Any, **options: Any) -> Any:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(Tiingo, "days", over)
    with pytest.raises(SoftTimeLimitExceeded):
        load()
    assert acme.listings.get().days_due_at == NOW + RETRY
    assert bolt.listings.get().days_due_at == NOW


def test_a_withdrawn_split_is_not_proposed_again_every_night(
    pair: Any, due: Callable[..., Any], people: Any
) -> None:
    from marketdata.models import CorporateAction
    from marketdata.operations.corporate_actions import withdraw_for_everyone

    due()
    load()
    withdraw_for_everyone(action=CorporateAction.objects.get(), user=people.owner, now=NOW)
    load(datetime(2026, 11, 23, 22, 31, tzinfo=UTC))
    assert CorporateAction.objects.get().state == "withdrawn"


def test_splits_are_proposed_even_if_the_worker_dies_before_the_listing_is_done(
    pair: Any, due: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from marketdata.models import CorporateAction

    def killed(**options: Any) -> None:
        raise SystemExit

    due()
    with monkeypatch.context() as dying:
        dying.setattr("marketdata.operations.histories.propose", killed)
        with pytest.raises(SystemExit):
            load()
    load(NOW + RETRY)
    assert CorporateAction.objects.count() == 1


def test_no_vendor_is_asked_for_an_asset_of_a_household(
    pair: Any, due: Callable[..., Any], people: Any
) -> None:
    from marketdata.models import Asset

    asset = due("ACME", "first")
    Asset.objects.filter(pk=asset.pk).update(household=people.owner.household)
    assert load() == []
    assert pair.calls("first") == 0


@pytest.fixture
def _hot_again(folder: Path, settings: Any) -> Iterator[None]:
    """Their table is not managed either, and refuses writers while its rows are archived."""
    from marketdata.models import DailyPrice
    from marketdata.operations import restore_prices

    there = settings.PRICE_ARCHIVE_URL
    yield
    settings.PRICE_ARCHIVE_URL = there
    back = restore_prices(
        table=DAILY, since=date(2017, 1, 1), until=NOW.date(), as_of=NOW.date(), now=NOW
    )
    assert {one.outcome for one in back} == {"moved"}
    DailyPrice.objects.all().delete()


@pytest.mark.usefixtures("_hot_again")
@pytest.mark.parametrize("away", [False, True])
def test_sessions_of_archived_years_are_written_where_they_are(
    pair: Any, due: Callable[..., Any], settings: Any, away: bool
) -> None:
    from marketdata.models import DailyPrice, PricePartition
    from marketdata.operations import archive_prices
    from marketdata.queries import closing_prices

    asset, other = due("ACME", "first"), due("BOLT", "first")
    DailyPrice.objects.create(asset=other, date=date(2017, 3, 1), close=D(7))
    moved = list(archive_prices(as_of=NOW.date(), now=NOW))
    assert [(one.target, one.outcome) for one in moved] == [("cold", "moved")]
    other.listings.update(days_due_at=None)
    bars = list(pair.first.market.securities["ACME"].bars)
    old = day_bar("2017-03-02", "9", "12", "8", "11", volume=5)
    pair.first.set_bars("ACME", [old, *bars])
    if away:
        settings.PRICE_ARCHIVE_URL = "s3://nowhere/none?endpoint=http://127.0.0.1:9"
    [loaded] = load()
    assert PricePartition.objects.get().tier == "cold"
    if away:
        assert loaded.fault is not None
        assert closes(asset) == {}
        assert asset.listings.get().days_due_at == NOW + RETRY
        return
    assert (loaded.written, loaded.fault) == (6, None)
    assert len(closes(asset)) == 5  # the hot ones
    day = date(2017, 3, 2)
    assert closing_prices(asset_ids=[asset.pk], from_date=day, to_date=day) == {
        asset.pk: [(day, D(11))]
    }
