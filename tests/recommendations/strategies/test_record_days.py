"""The nightly task: the days it appends, once each, and what `verify_strategies` finds."""

import random
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pgtrigger
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from marketdata.models import AnnouncedDividend, ExchangeRate, PriceAdjustment, Yield
from recommendations.models import Strategy, StrategyBacktest, StrategyDay, StrategyRecord
from recommendations.operations import strategy_records
from recommendations.operations.strategy_backtests import compute_backtests
from recommendations.operations.strategy_records import append_days
from tests.recommendations.strategies.published import (
    asset,
    closes,
    confirmed,
    day,
    noon,
    publish,
    recomputed,
    strategy,
    weekdays,
)

LAST = 419


@pytest.fixture
def market(db: None) -> dict[str, Any]:
    """Four shares over 400 days: gaps, splits, dividends, one delisted, one of them in euro."""
    chance = random.Random(5)
    made = {}
    for symbol in ("ONE", "TWO", "GONE", "EUR"):
        price = Decimal(100)
        currency = "EUR" if symbol == "EUR" else "USD"
        row = asset(symbol, currency=currency, spread=str(chance.randint(1, 20)))
        prices = {}
        for on in weekdays(0, LAST + 1):
            price = (price * chance.randint(975, 1026) / 1000).quantize(Decimal("0.0001"))
            if symbol == "ONE" and on == day(120):
                price = price / 4
            if symbol == "GONE" and on >= day(200):
                break
            if chance.random() > 0.03:
                prices[on] = price
        closes(row, prices)
        made[symbol] = row
    confirmed(made["ONE"], "split", day(120), ratio_new=4, ratio_old=1)
    made["GONE"].is_active = False
    made["GONE"].save()
    for n in (50, 141, 232):
        AnnouncedDividend.objects.create(
            asset=made["TWO"],
            provider="test",
            ex_date=min(on for on in weekdays(n, 5)),
            amount=Decimal("0.75"),
            currency="USD",
        )
    ExchangeRate.objects.bulk_create(
        ExchangeRate(
            currency="USD",
            date=on,
            rate=Decimal(chance.randint(10_000, 12_000)).scaleb(-4),
            source="test",
        )
        for on in weekdays(0, LAST + 1)
    )
    return made


@pytest.fixture
def core(people: Any, market: dict[str, Any]) -> Strategy:
    """A strategy of all four, with a second version half a year later."""
    row = strategy(people.owner)
    publish(
        row,
        {market["ONE"]: "40", market["TWO"]: "30", market["GONE"]: "20", market["EUR"]: "10"},
        day(30),
        band="2",
        bands=True,
        schedule="quarterly",
    )
    publish(
        row,
        {market["TWO"]: "50", market["EUR"]: "40", None: "10"},
        day(260),
        band="3",
        bands=True,
        schedule="monthly",
    )
    return row


def stored(row: Strategy) -> list[StrategyDay]:
    return list(StrategyDay.objects.filter(strategy=row).order_by("date"))


def test_stored_records_are_those_counted_again_from_stored_rows(core: Strategy) -> None:
    append_days(now=noon(day(LAST)))
    days = stored(core)
    expected = recomputed(core, days[-1].date)
    assert [one.date for one in days] == list(expected)
    assert days[0].date == day(31)
    for one in days:
        assert abs(float(one.value) - float(expected[one.date])) < 1e-9, one.date
    assert any(one.carried for one in days)
    assert [one.date for one in days if one.ended] == [
        min(one.date for one in days if "GONE" in one.ended)
    ]


def test_a_catch_up_gives_the_days_of_single_nights(core: Strategy) -> None:
    with transaction.atomic():
        append_days(now=noon(day(LAST)))
        at_once = [one.hash for one in stored(core)]
        transaction.set_rollback(True)
    for n in range(30, LAST + 1):
        append_days(now=noon(day(n)))
    nights = [one.hash for one in stored(core)]
    assert nights == at_once
    assert len(nights) > 250


def test_a_second_run_appends_nothing(core: Strategy) -> None:
    first = append_days(now=noon(day(LAST)))
    before = [one.hash for one in stored(core)]
    assert first == len(before) > 0
    assert append_days(now=noon(day(LAST))) == 0
    assert [one.hash for one in stored(core)] == before


def test_a_rival_that_appends_just_before_leaves_nothing_to_append(
    core: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = strategy_records._begin

    def overtaken(versions: Any) -> None:
        monkeypatch.setattr(strategy_records, "_begin", real)
        assert append_days(now=noon(day(60))) > 0
        real(versions)

    monkeypatch.setattr(strategy_records, "_begin", overtaken)
    assert append_days(now=noon(day(60))) == 0
    assert checked().endswith("Nothing was changed.\n")


def test_the_queries_do_not_grow_with_the_strategies(
    people: Any, market: dict[str, Any], core: Strategy
) -> None:
    with transaction.atomic():
        with CaptureQueriesContext(connection) as one:
            append_days(now=noon(day(60)))
        transaction.set_rollback(True)
    for n in range(5):
        publish(strategy(people.owner, f"S{n}"), {market["ONE"]: "100"}, day(30))
    with CaptureQueriesContext(connection) as six:
        append_days(now=noon(day(60)))
    assert len(six) == len(one)
    assert StrategyRecord.objects.filter(last_date__isnull=False).count() == 6


def test_a_late_close_is_waited_for_three_days(people: Any) -> None:
    share = asset("LATE")
    closes(share, dict.fromkeys(weekdays(0, 10), 100))
    row = strategy(people.owner)
    publish(row, {share: "100"}, day(1))
    # Day 10 is a Thursday without a close; from Monday on its price is carried.
    append_days(now=noon(day(11)))
    assert stored(row)[-1].date == day(9)
    append_days(now=noon(day(13)))
    assert stored(row)[-1].date == day(9)
    closes(share, {day(10): 110})
    append_days(now=noon(day(13)))
    assert (stored(row)[-1].date, stored(row)[-1].value) == (day(10), Decimal("1.1"))
    append_days(now=noon(day(15)))
    append_days(now=noon(day(18)))
    assert stored(row)[-1].date == day(14)
    assert stored(row)[-1].carried == ["LATE"]


def test_dividends_are_not_paid_twice_where_prices_have_them(people: Any) -> None:
    share = asset("ADJ", price_adjustment=PriceAdjustment.SPLITS_AND_DIVIDENDS)
    closes(share, dict.fromkeys(weekdays(0, 20), 100))
    AnnouncedDividend.objects.create(
        asset=share, provider="test", ex_date=day(8), amount=Decimal(5), currency="USD"
    )
    row = strategy(people.owner)
    publish(row, {share: "100"}, day(1))
    append_days(now=noon(day(15)))
    assert {one.value for one in stored(row)} == {Decimal(1)}


def test_a_merger_pays_cash_and_shares(people: Any) -> None:
    old, new = asset("OLD"), asset("NEW")
    closes(old, dict.fromkeys(weekdays(0, 8), 100))
    closes(new, dict.fromkeys(weekdays(0, 20), 50))
    confirmed(
        old,
        "merger",
        day(8),
        new_asset=new,
        ratio_new=3,
        ratio_old=2,
        cash_per_share=Decimal(30),
        new_share_value=Decimal(50),
    )
    row = strategy(people.owner)
    publish(row, {old: "100"}, day(1))
    append_days(now=noon(day(15)))
    assert stored(row)[-1].value == Decimal("1.05")
    assert stored(row)[-1].weights == {}


def test_a_draft_has_no_record_and_a_retired_one_keeps_it(core: Strategy, people: Any) -> None:
    draft = strategy(people.owner, "Draft")
    append_days(now=noon(day(100)))
    core.state, core.retired_at = "retired", noon(day(120))
    core.save()
    append_days(now=noon(day(200)))
    assert stored(core)[-1].date <= day(120)
    assert stored(core)[-1].date >= day(117)
    assert append_days(now=noon(day(300))) == 0
    assert not stored(draft)


def test_figures_for_lists_need_ninety_days(core: Strategy) -> None:
    Yield.objects.create(
        currency="USD",
        series="US Treasury par yield, 3 months",
        date=day(20),
        rate=Decimal("0.05"),
    )
    for n in range(20, LAST, 20):
        Yield.objects.create(
            currency="USD",
            series="US Treasury par yield, 3 months",
            date=day(n + 1),
            rate=Decimal("0.05"),
        )
    append_days(now=noon(day(120)))
    core.refresh_from_db()
    assert core.record_days == (stored(core)[-1].date - day(31)).days < 90
    assert (core.return_1y, core.sharpe, core.max_drawdown) == (None, None, None)
    append_days(now=noon(day(140)))
    core.refresh_from_db()
    assert core.record_days is not None
    assert core.record_days >= 90
    assert core.return_1y is None
    assert core.sharpe is not None
    assert core.max_drawdown is not None
    assert core.max_drawdown < 0
    append_days(now=noon(day(LAST)))
    core.refresh_from_db()
    days = {one.date: one.value for one in stored(core)}
    last = max(days)
    year_ago = max(on for on in days if on <= last.replace(year=last.year - 1))
    assert core.return_1y == (days[last] / days[year_ago] - 1).quantize(Decimal("1e-8"))


def test_the_database_refuses_to_change_or_delete_a_day(core: Strategy) -> None:
    append_days(now=noon(day(60)))
    before = [one.hash for one in stored(core)]
    rows = StrategyDay.objects.filter(strategy=core)
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        rows.update(value=2)
    with pytest.raises(DatabaseError, match="Cannot .*delete"), transaction.atomic():
        rows.delete()
    assert [one.hash for one in stored(core)] == before


def checked() -> str:
    said = StringIO()
    try:
        call_command("verify_strategies", stdout=said)
    except CommandError as error:
        said.write(str(error))
    return said.getvalue()


def test_an_honest_record_is_confirmed(core: Strategy) -> None:
    append_days(now=noon(day(60)))
    count = len(stored(core))
    assert checked() == (
        f"1 strategies, 2 versions and {count} days were checked. Nothing was changed.\n"
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"value": Decimal("9")}, "day_changed"),
        ({"benchmark": Decimal("0.5")}, "day_changed"),
        ({"weights": {}}, "day_changed"),
        ({"carried": ["ONE", "TWO"]}, "day_changed"),
        ({"version": 2}, "day_changed"),
        ({"hash": "0" * 64}, "day_changed"),
        ({"previous_hash": "0" * 64}, "chain_broken"),
    ],
)
def test_a_tampered_day_is_found_and_named(
    core: Strategy, change: dict[str, Any], code: str
) -> None:
    append_days(now=noon(day(90)))
    with pgtrigger.ignore("recommendations.StrategyDay:append_only"):
        StrategyDay.objects.filter(strategy=core, date=day(50)).update(**change)
    found = checked()
    assert f"{core.public_id} Core, day {day(50)}: {code}" in found


def test_a_removed_day_is_found(core: Strategy) -> None:
    append_days(now=noon(day(90)))
    with pgtrigger.ignore("recommendations.StrategyDay:append_only"):
        StrategyDay.objects.filter(strategy=core, date=day(50)).delete()
    found = checked()
    assert f"day {day(51)}: day_missing" in found
    assert f"day {day(51)}: chain_broken" in found


def test_removed_last_days_are_found(core: Strategy) -> None:
    append_days(now=noon(day(90)))
    with pgtrigger.ignore("recommendations.StrategyDay:append_only"):
        StrategyDay.objects.filter(strategy=core, date__gt=day(80)).delete()
    assert "record_end_changed" in checked()


def test_a_changed_version_is_found_in_its_days_too(core: Strategy) -> None:
    append_days(now=noon(day(90)))
    with pgtrigger.ignore("recommendations.StrategyVersion:append_only"):
        core.versions.filter(number=1).update(hash="1" * 64)
    found = checked()
    assert "version 1: version_hash" in found
    assert f"day {day(31)}: chain_broken" in found


def test_a_backtest_ends_before_the_publication_and_is_stored_apart(core: Strategy) -> None:
    append_days(now=noon(day(60)))
    assert compute_backtests(now=noon(day(60))) == 1
    assert compute_backtests(now=noon(day(60))) == 0
    found = StrategyBacktest.objects.get(strategy=core)
    assert found.absent_code == ""
    assert found.first_date is not None
    assert found.last_date is not None
    assert found.last_date < day(30) < stored(core)[0].date
    assert [row[0] for row in found.days] == [
        str(on) for on in weekdays(0, 30) if on >= found.first_date
    ]
    assert {one["symbol"] for one in found.ranges} == {"ONE", "TWO", "GONE", "EUR"}


def test_without_prices_before_there_is_no_backtest(people: Any) -> None:
    share = asset("YOUNG")
    closes(share, dict.fromkeys(weekdays(10, 20), 100))
    row = strategy(people.owner)
    publish(row, {share: "100"}, day(9))
    append_days(now=noon(day(20)))
    compute_backtests(now=noon(day(20)) + timedelta(hours=1))
    found = StrategyBacktest.objects.get(strategy=row)
    assert (found.absent_code, found.days) == ("no_prices", [])
