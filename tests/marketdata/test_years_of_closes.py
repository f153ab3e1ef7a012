"""Closes packed by year: they equal the daily rows after whatever statement."""

import random
import threading
from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection, transaction

from marketdata.models import DailyPrice, YearOfCloses

FIRST = date(2022, 12, 20)


def _packed() -> dict[tuple[int, int], list[tuple[int, str]]]:
    return {
        (row.asset_id, row.year): list(
            zip(map(int, row.days.split()), row.closes.split(), strict=True)
        )
        for row in YearOfCloses.objects.all()
    }


def _rows() -> dict[tuple[int, int], list[tuple[int, str]]]:
    found: dict[tuple[int, int], list[tuple[int, str]]] = {}
    for row in DailyPrice.objects.order_by("asset_id", "date"):
        point = row.date.toordinal(), f"{row.close:.8f}"
        found.setdefault((row.asset_id, row.date.year), []).append(point)
    return found


def _price(asset: Any, offset: int, close: str) -> DailyPrice:
    return DailyPrice(asset=asset, date=FIRST + timedelta(days=offset), close=D(close))


def test_every_statement_leaves_the_years_as_their_rows_are(assets: Any) -> None:
    """Rows arrive in any order, change, move between years and assets, and go."""
    draw, both = random.Random(3), (assets["AAA"], assets["BBB"])
    DailyPrice.objects.bulk_create(
        _price(asset, offset, f"{draw.randint(1, 10**6)}.5")
        for asset in both
        for offset in draw.sample(range(400), 30)
    )
    assert len(_packed()) == 5
    assert _packed() == _rows()
    for _ in range(12):
        one = draw.choice(list(DailyPrice.objects.all()))
        same = DailyPrice.objects.filter(asset_id=one.asset_id, date=one.date)
        match draw.randint(0, 3):
            case 0:
                same.update(close=D(draw.randint(1, 99)))
            case 1:
                same.update(date=one.date + timedelta(days=1000))
            case 2:
                same.update(asset=assets["EEE"])
            case _:
                same.delete()
        assert _packed() == _rows()
    DailyPrice.objects.filter(date__year=2023).delete()
    assert _packed() == _rows()
    DailyPrice.objects.all().delete()
    assert _packed() == {}


@pytest.mark.django_db(transaction=True)
def test_two_writers_of_one_year_lose_nothing(assets: Any) -> None:
    """The second statement begins while the first is not committed; it packs the rows of both."""
    asset, failed = assets["AAA"], list[BaseException]()

    def write() -> None:
        try:
            _price(asset, 2, "2").save(force_insert=True)
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    rival = threading.Thread(target=write)
    with transaction.atomic():
        _price(asset, 1, "1").save(force_insert=True)
        rival.start()
        _wait_until_somebody_waits()
    rival.join()
    assert failed == []
    assert _packed() == _rows()
    assert [len(points) for points in _packed().values()] == [2]


def _wait_until_somebody_waits() -> None:
    with connection.cursor() as cursor:
        for _ in range(10_000):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
    raise AssertionError("the rival never waited")
