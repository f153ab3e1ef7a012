"""Sessions of one asset written into archived years, which stay archived."""

from datetime import date, timedelta
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from marketdata.bars import Interval
from marketdata.models import Asset, DailyPrice, PriceBlock, PricePartition, YearOfCloses
from marketdata.operations import archive_prices, restore_prices
from marketdata.operations.amending import amend_days, archived
from marketdata.operations.price_claims import MoveLost, claimed, release
from marketdata.partitions import DAILY
from marketdata.providers.port import DayBar
from marketdata.queries import bars
from marketdata.queries.price_tiers import cold_store
from stores.objects import ObjectsAway
from tests.marketdata import tiers as world

pytestmark = pytest.mark.django_db


@pytest.fixture
def ids(assets: Any, folder: Path) -> list[int]:
    found = [asset.pk for asset in assets.values()]
    world.daily_prices(found)
    return found


def archive() -> None:
    outcomes = {one.outcome for one in archive_prices(as_of=world.AS_OF, now=world.NOW)}
    assert outcomes == {"moved"}


def sessions(year: int, count: int = 3, *, close: str = "12.5") -> list[DayBar]:
    first = date(year, 3, 2)
    return [
        DayBar(first + timedelta(days=n), D(close) + n, D(11), D(20), D(10) + n, 7 * n)
        for n in range(count)
    ]


def amended(asset_id: int, rows: list[DayBar]) -> int:
    found = 0
    for partition in archived(since=rows[0].day, until=rows[-1].day):
        inside = [bar for bar in rows if partition.first <= bar.day < partition.end]
        found += amend_days(partition=partition, asset_id=asset_id, bars=inside)
    return found


def read(asset_id: int, year: int) -> list[tuple[date, str]]:
    found = bars(
        asset_ids=[asset_id],
        since=date(year, 1, 1),
        until=date(year, 12, 31),
        interval=Interval.DAY,
    )
    assert found.gaps == ()
    return [
        (date.fromordinal(int(row["at"])), str(D(int(row["close"])).scaleb(-8).normalize()))
        for row in found.rows
    ]


def newcomer(symbol: str = "NEW") -> Asset:
    return Asset.objects.create(symbol=symbol, name=symbol, asset_class="equity", currency="USD")


@pytest.mark.parametrize("year", [2009, 2015, 2022])
def test_a_new_asset_enters_archived_years_and_nothing_else_changes(
    ids: list[int], warm: None, year: int
) -> None:
    """2009 lies in a partition of many years, 2022 in the warm database."""
    archive()
    before, asset = world.digest(ids), newcomer()
    assert amended(asset.pk, sessions(year)) == 3
    assert read(asset.pk, year) == [
        (date(year, 3, 2), "12.5"),
        (date(year, 3, 3), "13.5"),
        (date(year, 3, 4), "14.5"),
    ]
    assert world.digest(ids) == before
    assert not DailyPrice.objects.filter(date__year=year).exists()
    packed = YearOfCloses.objects.get(asset=asset)
    assert packed.closes == "12.50000000 13.50000000 14.50000000"
    assert packed.days.split()[0] == str(date(year, 3, 2).toordinal())
    assert amended(asset.pk, sessions(year)) == 0


def test_the_packed_closes_are_those_the_triggers_would_pack(ids: list[int]) -> None:
    rows = sessions(2008) + sessions(2009, close="99.12345678") + sessions(2016)
    hot, cold = newcomer("HOT"), newcomer("COLD")
    DailyPrice.objects.bulk_create(
        DailyPrice(asset=hot, date=bar.day, close=bar.close) for bar in rows
    )
    archive()
    assert amended(cold.pk, rows) == 9

    def packed(asset: Asset) -> list[tuple[Any, ...]]:
        found = YearOfCloses.objects.filter(asset=asset).order_by("year")
        return list(found.values_list("year", "days", "closes"))

    assert packed(cold) == packed(hot)
    assert len(packed(cold)) == 3


def test_a_correction_enters_the_block_of_its_asset(ids: list[int]) -> None:
    archive()
    others = world.digest(ids[1:])
    rows = PricePartition.objects.get(name=f"{DAILY}_2015").rows or 0
    day = read(ids[0], 2015)[4][0]
    assert amended(ids[0], [DayBar(day, D("1.25"), None, None, None, None)]) == 1
    assert (day, "1.25") in read(ids[0], 2015)
    assert PricePartition.objects.get(name=f"{DAILY}_2015").rows == rows
    assert world.digest(ids[1:]) == others
    [block] = PriceBlock.objects.filter(partition__name=f"{DAILY}_2015")
    assert block.rows == rows
    # What it replaced is deleted by the next one who writes there.
    folder = f"{DAILY}/{DAILY}_2015"
    assert len(cold_store().paths(folder)) == 2
    assert amended(ids[0], [DayBar(day, D("1.5"), None, None, None, None)]) == 1
    assert len(cold_store().paths(folder)) == 2
    assert (day, "1.5") in read(ids[0], 2015)


@pytest.mark.parametrize("warm_too", [True, False])
def test_amended_years_come_back_digit_by_digit(
    ids: list[int], warm_too: bool, request: pytest.FixtureRequest
) -> None:
    if warm_too:
        request.getfixturevalue("warm")
    archive()
    asset = newcomer()
    amended(asset.pk, [*sessions(2015), *sessions(2022)])
    amended(ids[1], [DayBar(date(2015, 5, 5), D("7.25"), None, None, None, None)])
    everyone = [*ids, asset.pk]
    before, packed = world.digest(everyone), list(YearOfCloses.objects.values_list())
    restored = restore_prices(
        table=DAILY,
        since=date(2015, 1, 1),
        until=date(2022, 12, 31),
        as_of=world.AS_OF,
        now=world.NOW,
    )
    assert {(one.outcome, one.error) for one in restored} == {("moved", "")}
    assert world.digest(everyone) == before
    assert DailyPrice.objects.filter(asset=asset).count() == 6
    assert sorted(YearOfCloses.objects.values_list()) == sorted(packed)


def test_a_partition_that_moves_is_busy_and_nothing_changes(ids: list[int]) -> None:
    archive()
    asset, [partition] = newcomer(), archived(since=date(2015, 2, 1), until=date(2015, 2, 2))
    before = world.digest([*ids, asset.pk])
    attempt = claimed(partition, lease_s=60)
    assert attempt is not None
    with pytest.raises(MoveLost):
        amended(asset.pk, sessions(2015))
    release(partition, attempt)
    PricePartition.objects.filter(pk=partition.pk).update(target="hot", step="copying")
    with pytest.raises(MoveLost):
        amended(asset.pk, sessions(2015))
    PricePartition.objects.filter(pk=partition.pk).update(target="", step="")
    assert world.digest([*ids, asset.pk]) == before
    assert amended(asset.pk, sessions(2015)) == 3


def test_killed_before_the_switch_the_next_attempt_writes_everything(
    ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from marketdata.operations import amending

    archive()
    asset = newcomer()
    before = world.digest([*ids, asset.pk])

    class Killed(BaseException):
        pass

    def kill(*_: Any) -> Any:
        raise Killed

    monkeypatch.setattr(amending, "lock_attempt", kill)
    with pytest.raises(Killed):
        amended(asset.pk, sessions(2015))
    monkeypatch.undo()
    assert world.digest([*ids, asset.pk]) == before
    assert not YearOfCloses.objects.filter(asset=asset).exists()
    assert amended(asset.pk, sessions(2015)) == 3
    assert len(read(asset.pk, 2015)) == 3
    assert len(cold_store().paths(f"{DAILY}/{DAILY}_2015")) == 2


def test_an_archive_that_is_away_changes_nothing(
    ids: list[int], settings: Any, tmp_path: Path
) -> None:
    archive()
    there, day = settings.PRICE_ARCHIVE_URL, read(ids[0], 2015)[4][0]
    settings.PRICE_ARCHIVE_URL = "s3://nowhere/none?endpoint=http://127.0.0.1:9"
    with pytest.raises(ObjectsAway):
        amended(ids[0], [DayBar(day, D("1.25"), None, None, None, None)])
    settings.PRICE_ARCHIVE_URL = there
    assert (day, "1.25") not in read(ids[0], 2015)
    assert not YearOfCloses.objects.filter(asset_id=ids[0], closes__contains="1.25000000").exists()
