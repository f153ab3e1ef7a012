"""Instants arrive from PostgreSQL as what they are, in UTC."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest
from django.db import DataError, connection

from stores.postgresql.instants import InstantLoader

pytestmark = pytest.mark.django_db


def read(text: str, *, zone: str = "UTC") -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])
        cursor.execute("SELECT %s::timestamptz", [text])
        (found,) = cursor.fetchone()
        cursor.execute("SELECT set_config('TimeZone', 'UTC', true)")
    return found


@pytest.mark.parametrize(
    "instant",
    [
        datetime(1889, 2, 3, 4, 5, 6, tzinfo=UTC),
        datetime(2024, 2, 29, 23, 59, 59, 500_000, tzinfo=UTC),
        datetime(2024, 2, 29, 23, 59, 59, 1, tzinfo=UTC),
        datetime(2024, 6, 3, 12, tzinfo=timezone(timedelta(hours=-5, minutes=-30))),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_an_instant_is_read_in_utc(instant: datetime, zone: str) -> None:
    found = read(instant.isoformat(), zone=zone)
    assert found == instant
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "instant", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
)
def test_the_first_and_the_last_instant_are_read(instant: datetime) -> None:
    assert read(instant.isoformat()) == instant


@pytest.mark.parametrize("text", ["infinity", "-infinity", "0044-03-15 12:00:00+00 BC"])
def test_what_python_has_no_datetime_for_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        read(text)


def test_every_connection_reads_so_without_a_cursor_of_its_own() -> None:
    loader: Any = connection.connection.adapters.get_loader(
        psycopg.adapters.types["timestamptz"].oid, psycopg.pq.Format.TEXT
    )
    assert loader is InstantLoader
    with connection.cursor() as cursor:
        assert cursor.connection.adapters.get_loader(1184, psycopg.pq.Format.TEXT) is InstantLoader
