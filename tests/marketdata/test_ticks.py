"""Trades in any order, twice, corrected, cancelled: bars are those of the trades that count."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection

from marketdata.models import LatestPrice, MinuteBar, Tick
from marketdata.operations import RecordedTicks, ensure_partitions, record_ticks
from marketdata.queries import live_quotes
from marketdata.ticks import PRICE_UNIT, ticks

NOW = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
OPEN = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def us(second: float) -> int:
    return round((OPEN + timedelta(seconds=second)).timestamp() * 1_000_000)


def record(*reports: tuple[Any, float, int, str, int]) -> RecordedTicks:
    """Record (asset, second after the open, number, price, size)."""
    given = [
        (getattr(asset, "pk", asset), us(second), number, int(D(price) * PRICE_UNIT), size)
        for asset, second, number, price, size in reports
    ]
    return record_ticks(reports=ticks(given), source="test", now=NOW)


def bars(asset: Any) -> list[tuple[Any, ...]]:
    return [
        (f"{bar.at:%H:%M}", *(f"{D(x) / PRICE_UNIT:f}" for x in prices(bar)), bar.volume)
        for bar in MinuteBar.objects.filter(asset_id=asset.pk).order_by("at")
    ]


def prices(bar: MinuteBar) -> tuple[int, int, int, int]:
    return bar.open, bar.high, bar.low, bar.close


def test_minutes_are_built_as_trades_arrive(assets: Any, no_quotes: None) -> None:
    one, other = assets["AAA"], assets["BBB"]
    found = record(
        (one, 1, 1, "50", 100),
        (other, 2, 2, "20", 5),
        (one, 3, 3, "51.5", 10),
        (one, 61, 4, "49", 1),
    )
    assert found == RecordedTicks(4, 0, 0, 0, 0, {})
    assert bars(one) == [
        ("15:00", "50", "51.5", "50", "51.5", 110),
        ("15:01", "49", "49", "49", "49", 1),
    ]
    record((one, 62, 5, "48.25", 2))
    assert bars(one)[1] == ("15:01", "49", "49", "48.25", "48.25", 3)
    assert bars(other) == [("15:00", "20", "20", "20", "20", 5)]


def test_late_trades_open_or_widen_their_minute(assets: Any, no_quotes: None) -> None:
    one = assets["AAA"]
    record((one, 30, 5, "50", 1), (one, 70, 6, "52", 1))
    found = record((one, 10, 4, "55", 7))
    assert (found.new, found.late) == (1, 1)
    assert bars(one)[0] == ("15:00", "55", "55", "50", "50", 8)


def test_the_same_reports_again_change_nothing(assets: Any, no_quotes: None) -> None:
    one = assets["AAA"]
    reports = [(one, second, second, "50", 1) for second in range(100)]
    record(*reports)
    before = bars(one)
    assert record(*reports, *reports) == RecordedTicks(0, 0, 200, 0, 0, {})
    assert bars(one) == before
    assert Tick.objects.count() == 100


def test_corrections_and_cancellations_build_the_minute_again(assets: Any, no_quotes: None) -> None:
    one = assets["AAA"]
    record((one, 1, 1, "50", 1), (one, 2, 2, "90", 1), (one, 3, 3, "51", 1))
    assert record((one, 2, 2, "50.5", 4)).corrected == 1
    assert bars(one) == [("15:00", "50", "51", "50", "51", 6)]
    assert record((one, 3, 3, "0", 0), (one, 1, 1, "0", 0)).cancelled == 2
    assert bars(one) == [("15:00", "50.5", "50.5", "50.5", "50.5", 4)]
    assert record((one, 2, 2, "0", 0), (one, 9, 9, "0", 0)).cancelled == 1
    assert bars(one) == []


def test_reports_that_cannot_be_true_are_counted_and_change_nothing(
    assets: Any, make_asset: Callable[..., Any], people: Any, no_quotes: None
) -> None:
    one = assets["AAA"]  # its last price is 50
    own = make_asset("HOUSE", household=people.owner.household)
    found = record(
        *((one, 1, 1, "-1", 1), (one, 1, 2, "50", -1), (one, 3606, 3, "50", 1)),
        *((one, -4 * 86_400, 4, "50", 1), (one, 1, 5, "500", 1), (one, 1, 6, "5", 1)),
        *((10**9, 1, 7, "50", 1), (own, 1, 8, "50", 1)),
    )
    assert found == RecordedTicks(
        *(0, 0, 0, 0, 0),
        {
            "price_not_positive": 1,
            "size_negative": 1,
            "as_of_in_future": 1,
            "tick_too_old": 1,
            "price_absurd": 2,
            "symbol_unknown": 2,
        },
    )
    assert (Tick.objects.count(), MinuteBar.objects.count()) == (0, 0)
    assert live_quotes(symbols=["AAA"], now=NOW) == {}


def test_the_newest_trade_is_published_as_a_quote(assets: Any, no_quotes: None) -> None:
    one = assets["AAA"]
    LatestPrice.objects.update(as_of=OPEN)
    record((one, 5, 1, "50.5", 1), (one, 9, 2, "51", 1), (one, 7, 3, "52", 1))
    quote = live_quotes(symbols=["AAA"], now=NOW)["AAA"]
    assert (quote.price, quote.as_of, quote.source) == (D(51), OPEN + timedelta(seconds=9), "test")
    record((one, 8, 4, "60", 1))
    assert live_quotes(symbols=["AAA"], now=NOW)["AAA"].price == D(51)


def test_bars_are_written_again_in_place(make_asset: Callable[..., Any], no_quotes: None) -> None:
    """A bar of the current minute changes every second: no index entry may be added each time."""
    made = [make_asset(f"S{number}") for number in range(200)]
    ensure_partitions(as_of=NOW.date())
    record(*((asset, 1, 1, "50", 1) for asset in made))
    with connection.cursor() as cursor:
        counted = (
            "SELECT pg_stat_get_xact_tuples_updated(c), pg_stat_get_xact_tuples_hot_updated(c)"
        )
        cursor.execute(f"{counted} FROM (SELECT 'marketdata_minutebar_2026_11'::regclass::oid c)")
        before = cursor.fetchone()
        record(*((asset, 2, 2, "51", 1) for asset in made))
        cursor.execute(f"{counted} FROM (SELECT 'marketdata_minutebar_2026_11'::regclass::oid c)")
        after = cursor.fetchone()
    assert [now - then for now, then in zip(after, before, strict=True)] == [200, 200]


SECONDS, PRICES = [0, 1, 30, 59, 60, 61, 119], ["0", "40", "50", "60.00000001"]


def test_bars_are_those_of_the_trades_that_count(assets: Any, no_quotes: None) -> None:
    """Batches drawn at random: duplicates, late trades, corrections and cancellations."""
    both, draw = (assets["AAA"], assets["BBB"]), random.Random(5)
    LatestPrice.objects.all().delete()
    for _ in range(40):
        MinuteBar.objects.all().delete()
        Tick.objects.all().delete()
        counted: dict[tuple[int, int, int], tuple[int, int]] = {}
        for _ in range(draw.randint(1, 6)):
            batch = [
                (
                    draw.choice(both),
                    draw.choice(SECONDS),
                    draw.randint(0, 2),
                    draw.choice(PRICES),
                    n,
                )
                for n in range(draw.randint(0, 8))
            ]
            record(*batch)
            for asset, second, number, price, size in batch:
                key = asset.pk, us(second), number
                if D(price):
                    counted[key] = int(D(price) * PRICE_UNIT), size
                else:
                    counted.pop(key, None)
        expected: dict[tuple[int, int], list[int]] = {}
        for (pk, at, _), (paid, units) in sorted(counted.items()):
            bar = expected.setdefault((pk, at // 60_000_000), [paid, paid, paid, paid, 0])
            bar[1:] = [max(bar[1], paid), min(bar[2], paid), paid, bar[4] + units]
        found = {
            (row.asset_id, round(row.at.timestamp()) // 60): [*prices(row), row.volume]
            for row in MinuteBar.objects.all()
        }
        assert found == expected
        assert Tick.objects.count() == len(counted)
