"""Arrays copied into a table come back as they were."""

import numpy as np
import pytest
from django.db import connection, transaction

from stores.arrays import records_of
from stores.copying import EPOCH_ORDINAL, EPOCH_S, copy_records

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("count", [0, 1, 65_536, 65_537])
def test_records_of_every_type_are_copied(count: int) -> None:
    numbers = np.arange(count) - 5
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE given (n int8, at timestamptz, day date)")
        copy_records(
            table="given",
            columns={
                "n": ("int8", numbers * 2**40),
                "at": ("timestamptz", numbers * 1_000_000),
                "day": ("date", numbers),
            },
        )
        found = records_of(
            query="SELECT * FROM given ORDER BY n",
            values={},
            fields={"n": "int8", "at": "timestamptz", "day": "date"},
        )
    assert found["n"].tolist() == (numbers * 2**40).tolist()
    assert found["at"].tolist() == (numbers * 1_000_000).tolist()
    assert found["day"].tolist() == numbers.tolist()


def test_the_epoch_is_the_database_s() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE given (at timestamptz, day date)")
        ten = np.array([10])
        copy_records(
            table="given",
            columns={
                "at": ("timestamptz", (ten - EPOCH_S) * 1_000_000),
                "day": ("date", ten - EPOCH_ORDINAL),
            },
        )
        cursor.execute("SELECT extract(epoch FROM at)::int, day - DATE '0001-01-01' + 1 FROM given")
        assert cursor.fetchone() == (10, 10)
