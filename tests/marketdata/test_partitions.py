"""Prices lie in the partition of their year; what lies in none is found and moved."""

from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from marketdata.models import DailyPrice
from marketdata.operations import ensure_partitions
from marketdata.operations.partitions import COVERED_UNTIL, DEFAULT_PARTITION, forget_old_ticks
from marketdata.partitions import TABLES, covered_until
from marketdata.queries import default_partition_holds_rows
from marketdata.queries.partitions import partition_names

pytestmark = pytest.mark.django_db


def partition_of(day: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM marketdata_dailyprice WHERE date = %s", [day]
        )
        ((name,),) = cursor.fetchall()
    return str(name)


def price(day: str, close: str = "1") -> DailyPrice:
    return DailyPrice.objects.create(asset_id=1, date=date.fromisoformat(day), close=D(close))


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("1950-01-01", "marketdata_dailyprice_before_2010"),
        ("2009-12-31", "marketdata_dailyprice_before_2010"),
        ("2010-01-01", "marketdata_dailyprice_2010"),
        ("2024-02-29", "marketdata_dailyprice_2024"),
        ("2027-12-31", "marketdata_dailyprice_2027"),
    ],
)
def test_a_price_lies_in_the_partition_of_its_year(day: str, name: str) -> None:
    price(day)
    assert partition_of(day) == name


def test_partitions_are_made_two_years_ahead_and_once() -> None:
    made = ensure_partitions(as_of=date(2028, 1, 1))
    assert [name for name in made if "dailyprice" in name] == [
        "marketdata_dailyprice_2028",
        "marketdata_dailyprice_2029",
        "marketdata_dailyprice_2030",
    ]
    assert [name for name in made if "minutebar" in name] == [
        f"marketdata_minutebar_2028_0{month}" for month in (1, 2, 3, 4)
    ]
    assert [name for name in made if "tick" in name] == [
        f"marketdata_tick_2028_01_{day:02}" for day in range(1, 16)
    ]
    assert ensure_partitions(as_of=date(2028, 1, 1)) == []
    price("2030-12-31")
    assert partition_of("2030-12-31") == "marketdata_dailyprice_2030"


def test_a_row_without_a_partition_raises_the_alert_until_its_year_has_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    price("2033-05-05", "7")
    assert partition_of("2033-05-05") == "marketdata_dailyprice_default"
    assert default_partition_holds_rows()
    ensure_partitions(as_of=date(2026, 1, 1))
    assert "default partition" in caplog.text
    assert DEFAULT_PARTITION.labels("marketdata_dailyprice")._value.get() == 1

    assert "marketdata_dailyprice_2033" in ensure_partitions(as_of=date(2031, 1, 1))
    assert partition_of("2033-05-05") == "marketdata_dailyprice_2033"
    assert DailyPrice.objects.get(asset_id=1, date="2033-05-05").close == D(7)
    assert not default_partition_holds_rows()
    assert DEFAULT_PARTITION.labels("marketdata_dailyprice")._value.get() == 0


def test_new_partitions_keep_the_key_and_the_check() -> None:
    ensure_partitions(as_of=date(2031, 1, 1))
    price("2033-05-05")
    for close in ("2", "0"):
        with pytest.raises(IntegrityError), transaction.atomic():
            price("2033-05-05" if close == "2" else "2033-05-06", close)
    assert DailyPrice.objects.count() == 1


def test_the_task_does_its_work_and_bears_a_second_beat(db: Any) -> None:
    from marketdata.tasks import ensure_partitions as task

    task()
    task()
    assert not default_partition_holds_rows()


def ticks_of(*days: str) -> None:
    with connection.cursor() as cursor:
        for day in days:
            cursor.execute(
                "INSERT INTO marketdata_tick VALUES (1, %s, 0, 100, 1)", [f"{day} 15:00:00+00"]
            )


def tick_days() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT at::date::text, tableoid::regclass::text FROM marketdata_tick")
        return sorted(cursor.fetchall())


def test_trades_are_dropped_with_their_day_and_those_astray_too() -> None:
    ticks_of("2026-11-23", "2026-11-25")
    ensure_partitions(as_of=date(2026, 11, 24))
    assert tick_days() == [
        ("2026-11-23", "marketdata_tick_default"),
        ("2026-11-25", "marketdata_tick_2026_11_25"),
    ]
    assert forget_old_ticks(as_of=date(2026, 11, 28)) == ["marketdata_tick_2026_11_24"]
    assert tick_days() == [("2026-11-25", "marketdata_tick_2026_11_25")]
    assert forget_old_ticks(as_of=date(2026, 11, 29)) == ["marketdata_tick_2026_11_25"]
    assert tick_days() == []


def test_the_horizon_is_an_instant_that_a_missing_partition_brings_near() -> None:
    ensure_partitions(as_of=date(2026, 11, 24))
    until = COVERED_UNTIL.labels("marketdata_tick")._value.get()
    assert datetime.fromtimestamp(until, UTC) == datetime(2026, 12, 9, tzinfo=UTC)
    found = partition_names(table="marketdata_tick") - {"marketdata_tick_2026_11_26"}
    assert covered_until(TABLES[2], found, date(2026, 11, 24)) == date(2026, 11, 26)
    assert covered_until(TABLES[2], set(), date(2026, 11, 24)) == date(2026, 11, 24)
