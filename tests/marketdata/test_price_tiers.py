"""Prices of all tiers: one answer, moved whole, restored as they were, and gaps that are stated."""

import io
from datetime import date
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import Sum

from marketdata.bars import Gap, Interval
from marketdata.models import DailyPrice, PriceBlock, PricePartition, YearOfCloses
from marketdata.operations import archive_prices, ensure_partitions, restore_prices, settle_minutes
from marketdata.partitions import DAILY, MINUTES
from marketdata.queries import bars
from marketdata.queries.price_tiers import cold_store
from tests.marketdata import tiers as world

pytestmark = pytest.mark.django_db


@pytest.fixture
def ids(assets: Any, folder: Path) -> list[int]:
    found = [asset.pk for asset in assets.values()]
    world.daily_prices(found)
    return found


def archive() -> list[tuple[str, str, str, str]]:
    moved = archive_prices(as_of=world.AS_OF, now=world.NOW)
    return [(one.name, one.source, one.target, one.outcome + one.error) for one in moved]


def restore(table: str, since: date, until: date) -> list[str]:
    moved = restore_prices(table=table, since=since, until=until, as_of=world.AS_OF, now=world.NOW)
    return [f"{one.name.removeprefix(table)[1:]} {one.outcome}{one.error}" for one in moved]


def tiers(ids: list[int]) -> list[tuple[str, int, int]]:
    return [(part.tier, part.first.year, part.last.year) for part in world.everything(ids).parts]


def test_whole_partitions_move_to_the_tier_of_their_age(ids: list[int], warm: None) -> None:
    before, closes = world.digest(ids), list(YearOfCloses.objects.order_by("pk").values())
    assert tiers(ids) == [("hot", 2008, 2026)]
    names = [f"{DAILY}_{year}" for year in range(2010, 2025)]
    assert archive() == [
        (f"{DAILY}_before_2010", "hot", "cold", "moved"),
        *((name, "hot", "cold", "moved") for name in names[:11]),
        *((name, "hot", "warm", "moved") for name in names[11:14]),
    ]
    assert tiers(ids) == [("cold", 2008, 2020), ("warm", 2021, 2023), ("hot", 2024, 2026)]
    assert world.digest(ids) == before
    assert world.hot_days(ids) == {2024, 2025, 2026}
    # What performance reads stays hot for ever.
    assert list(YearOfCloses.objects.order_by("pk").values()) == closes
    assert archive() == []


def test_a_partition_goes_on_from_warm_to_cold(ids: list[int], warm: None) -> None:
    before = world.digest(ids)
    archive()
    later = list(archive_prices(as_of=date(2027, 11, 24), now=world.NOW))
    assert [(one.name[-4:], one.source, one.target) for one in later] == [
        ("2021", "warm", "cold"),
        ("2024", "hot", "warm"),
    ]
    assert {one.outcome for one in later} == {"moved"}
    assert world.digest(ids) == before
    with connections["warm"].cursor() as cursor:
        cursor.execute("SELECT to_regclass('prices_daily_2021'), count(*) FROM prices_daily")
        gone, kept = cursor.fetchone()
    rows = PricePartition.objects.filter(tier="warm").aggregate(Sum("rows"))["rows__sum"]
    assert (gone, kept) == (None, rows)


def test_without_a_warm_database_prices_stay_hot_until_they_are_cold(ids: list[int]) -> None:
    before = world.digest(ids)
    moved = archive()
    assert {(source, target) for _, source, target, _ in moved} == {("hot", "cold")}
    assert tiers(ids) == [("cold", 2008, 2023), ("hot", 2024, 2026)]
    assert world.digest(ids) == before


def test_archived_prices_refuse_writers_until_they_are_restored(ids: list[int]) -> None:
    archive()
    price = DailyPrice(asset_id=ids[0], date=date(2015, 3, 4), close=D(7))
    closes = list(YearOfCloses.objects.order_by("pk").values())
    with pytest.raises(IntegrityError, match="restore them"), transaction.atomic():
        price.save(force_insert=True)
    assert list(YearOfCloses.objects.order_by("pk").values()) == closes
    assert world.everything(ids).gaps == ()

    before = world.digest(ids)
    assert restore(DAILY, date(2015, 6, 1), date(2016, 6, 1)) == ["2015 moved", "2016 moved"]
    assert world.digest(ids) == before
    assert tiers(ids) == [
        ("cold", 2008, 2014),
        ("hot", 2015, 2016),
        ("cold", 2017, 2023),
        ("hot", 2024, 2026),
    ]
    assert not [path for path in cold_store().paths(DAILY) if "_2015/" in path]
    assert not PriceBlock.objects.filter(partition__name__endswith="2015").exists()
    price.save(force_insert=True)
    assert bars(asset_ids=[ids[0]], since=price.date, until=price.date, interval=Interval.DAY).rows[
        "close"
    ].tolist() == [7 * 10**8]
    # It is not archived again before its day, and then with what was written.
    assert archive() == []
    later = list(archive_prices(as_of=date(2027, 1, 5), now=world.NOW))
    assert [one.name[-4:] for one in later] == ["2015", "2016", "2024"]
    after = world.digest(ids)
    assert after[0] == before[0] + 1


def test_prices_come_back_digit_by_digit(ids: list[int]) -> None:
    rows = list(DailyPrice.objects.order_by("asset_id", "date").values_list())
    archive()
    restore(DAILY, world.FIRST, world.AS_OF)
    assert list(DailyPrice.objects.order_by("asset_id", "date").values_list()) == rows


def test_minutes_and_hours_are_the_same_in_every_tier(
    assets: Any, folder: Path, warm: None
) -> None:
    ids = [asset.pk for asset in assets.values()]
    with connection.cursor() as cursor:
        for year in (2020, 2023):
            cursor.execute(
                f"CREATE TABLE {MINUTES}_{year}_05 PARTITION OF {MINUTES} "
                f"FOR VALUES FROM ('{year}-05-01 00:00+00') TO ('{year}-06-01 00:00+00')"
            )
    for month in (date(2020, 5, 1), date(2023, 5, 1), date(2026, 5, 1)):
        world.minute_prices(ids, month=month)
    before = [world.digest(ids, interval) for interval in (Interval.MINUTE, Interval.HOUR)]
    assert [count for count, _ in before] == [3 * 3 * 600, 3 * 3 * 10]
    assert [target for _, _, target, _ in archive()] == ["cold", "warm"]
    found = world.everything(ids, Interval.HOUR)
    assert [(part.tier, part.bars) for part in found.parts if part.bars] == [
        ("cold", 30),
        ("warm", 30),
        ("hot", 30),
    ]
    assert [world.digest(ids, interval) for interval in (Interval.MINUTE, Interval.HOUR)] == before


def test_pages_of_one_asset_follow_each_other_over_all_tiers(ids: list[int], warm: None) -> None:
    archive()
    whole = world.everything(ids[:1]).rows["at"].tolist()
    pages, after = [], None
    while True:
        page = (
            bars(
                asset_ids=ids[:1],
                since=world.FIRST,
                until=world.AS_OF,
                interval=Interval.DAY,
                after=after,
                limit=100,
            )
            .rows["at"]
            .tolist()
        )
        if not page:
            break
        assert len(page) <= 100
        pages += page
        after = page[-1]
    assert pages == whole


def test_an_archive_that_is_away_is_a_gap_and_the_rest_is_answered(
    ids: list[int], folder: Path
) -> None:
    archive()
    whole = world.everything(ids).rows
    hidden = folder.with_name("elsewhere")
    folder.rename(hidden)
    found = world.everything(ids)
    assert found.gaps == (Gap(world.FIRST, date(2023, 12, 31), "cold_unavailable"),)
    assert [part.tier for part in found.parts] == ["hot"]
    recent = whole[whole["at"] > date(2023, 12, 31).toordinal()]
    assert (found.rows == recent).all()
    assert not folder.exists()
    hidden.rename(folder)
    assert (world.everything(ids).rows == whole).all()


def test_a_damaged_object_is_a_gap_and_never_other_figures(ids: list[int], folder: Path) -> None:
    archive()
    path = folder / PriceBlock.objects.get(partition__name__endswith="2015").path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    found = bars(
        asset_ids=ids, since=date(2015, 1, 1), until=date(2015, 12, 31), interval=Interval.DAY
    )
    assert (len(found.rows), found.gaps[0].reason) == (0, "cold_damaged")


def test_a_warm_database_that_is_away_is_a_gap(ids: list[int], warm: None) -> None:
    archive()
    connections["warm"].connection.close()
    found = world.everything(ids)
    assert [gap.reason for gap in found.gaps] == ["warm_unavailable"]
    assert [part.tier for part in found.parts] == ["cold", "hot"]


def test_a_copy_that_differs_from_its_source_stops_the_move(
    ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One price in one object is wrong: nothing is dropped, and the next run copies it again."""
    from marketdata.operations import price_copies
    from marketdata.storage import parquet

    real, before = parquet.encoded, world.digest(ids)

    def wrong(rows: Any, *, daily: bool) -> bytes:
        rows = rows.copy()
        rows["close"][0] += 1
        return real(rows, daily=daily)

    monkeypatch.setattr(price_copies, "encoded", wrong)
    outcomes = archive()
    assert {outcome for *_, outcome in outcomes} >= {
        f"failedValueError: a copy of {DAILY}_2015 differs from its source"
    }
    assert tiers(ids) == [("hot", 2008, 2026)]
    assert world.digest(ids) == before
    monkeypatch.undo()
    assert {outcome for *_, outcome in archive()} == {"moved"}
    assert world.digest(ids) == before


def test_a_move_that_begins_while_prices_are_read_is_noticed(
    ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows go after it was decided where to read them: they are read from where they are."""
    from marketdata.queries import price_bars as port
    from marketdata.queries.price_tiers import hot_bars

    whole, real = world.everything(ids).rows, hot_bars
    calls: list[Any] = []

    def slow(wanted: Any) -> Any:
        if not calls:
            calls.append(wanted)
            archive()
        return real(wanted)

    monkeypatch.setattr(port, "hot_bars", slow)
    found = world.everything(ids)
    assert (found.rows == whole).all()
    assert found.gaps == ()


def test_a_worker_that_was_replaced_writes_nothing_more(ids: list[int]) -> None:
    """The lease of the first ends, a second moves the year, and the first goes on."""
    from marketdata.operations import archiving
    from marketdata.operations.price_claims import MoveLost, claimed

    found = PricePartition.objects.create(
        name=f"{DAILY}_2015", table=DAILY, first=date(2015, 1, 1), end=date(2016, 1, 1)
    )
    attempt = claimed(found, lease_s=0.0)
    assert attempt is not None
    before = world.digest(ids)
    archive()
    paths = cold_store().paths(DAILY)
    with pytest.raises(MoveLost):
        archiving._begin(archiving._Move(found, attempt, 0.0), "cold")
    assert cold_store().paths(DAILY) == paths
    assert world.digest(ids) == before


def test_partitions_ahead_are_left_alone(ids: list[int]) -> None:
    ensure_partitions(as_of=world.AS_OF)
    archive()
    assert not PricePartition.objects.filter(end__gt=date(2024, 12, 31)).exists()


def test_a_finished_month_is_written_again_in_order(assets: Any, folder: Path) -> None:
    ids = [asset.pk for asset in assets.values()]
    name, month = f"{MINUTES}_2026_05", date(2026, 5, 1)
    world.minute_prices(sorted(ids, reverse=True), month=month)
    with connection.cursor() as cursor:
        before = world.digest(ids, Interval.MINUTE)
        in_order = f"SELECT array_agg(asset_id) FROM (SELECT asset_id FROM {name}) found"
        cursor.execute(in_order)
        assert cursor.fetchone()[0][0] == max(ids)
        assert (
            settle_minutes(as_of=date(2026, 6, 4))
            == [f"{MINUTES}_2025_01"]
            + [f"{MINUTES}_{year}_{one:02}" for year in (2025, 2026) for one in range(1, 13)][1:16]
        )
        assert settle_minutes(as_of=date(2026, 6, 5)) == [name]
        cursor.execute(in_order)
        assert cursor.fetchone()[0] == [pk for pk in sorted(ids) for _ in range(600)]
    assert world.digest(ids, Interval.MINUTE) == before
    world.minute_prices([ids[0] + 1000], month=month, count=5)
    assert settle_minutes(as_of=date(2026, 6, 5)) == []
    with pytest.raises(IntegrityError), transaction.atomic():
        world.minute_prices(ids, month=month, count=5)


def test_the_schedule_archives_unless_it_is_told_not_to(ids: list[int], settings: Any) -> None:
    from marketdata.tasks import archive_prices as task

    settings.PRICE_ARCHIVE_ENABLED = False
    task()
    assert not PricePartition.objects.exists()
    settings.PRICE_ARCHIVE_ENABLED = True
    task()
    task()
    assert PricePartition.objects.filter(tier="cold").count() == 15


def test_the_commands_say_what_moved(ids: list[int]) -> None:
    before, said = world.digest(ids), io.StringIO()
    call_command("archive_prices", stdout=said)
    assert f"{DAILY}_2015: 156 rows, hot to cold: moved" in said.getvalue().splitlines()
    said = io.StringIO()
    call_command("restore_prices", "days", "2015-01-01", "2015-12-31", stdout=said)
    assert said.getvalue().splitlines() == [f"{DAILY}_2015: 156 rows: moved"]
    assert world.digest(ids) == before
