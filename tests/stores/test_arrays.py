"""Rows of a query as arrays: every type, no rows, and what is refused."""

import math
from typing import Any

import pytest

from stores.arrays import records_of

pytestmark = pytest.mark.django_db

FIELDS = {"a": "int8", "b": "int4", "c": "float8", "d": "bool"}


def rows(query: str, **values: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in records_of(query=query, values=values, fields=FIELDS).tolist()]


def test_each_type_comes_back_as_it_is() -> None:
    query = "SELECT * FROM (VALUES (%(big)s::int8, -7, 0.1::float8, true), (0, 1, 'inf', false)) v"
    assert rows(query, big=2**62) == [(2**62, -7, 0.1, True), (0, 1, math.inf, False)]


def test_the_order_of_the_query_is_kept() -> None:
    query = "SELECT n::int8, n::int4, n::float8, n > 5 FROM generate_series(1, 2000) n ORDER BY -n"
    found = rows(query)
    assert found == [(n, n, float(n), n > 5) for n in range(2000, 0, -1)]


def test_a_query_without_rows_gives_records_without_rows() -> None:
    assert rows("SELECT 1::int8, 2, 3::float8, true WHERE false") == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT NULL::int8, 2, 3::float8, true",
        "SELECT 1::int8, 2, NULL::float8, true UNION ALL SELECT 1, 2, 3, true",
        "SELECT 1::int4, 2, 3::float8, true",
        "SELECT 1::int8, 2, 3.5::numeric, true",
        "SELECT 1::int8, 2, 3::float8, 'yes'::text",
    ],
)
def test_nulls_and_other_types_are_refused(query: str) -> None:
    with pytest.raises(ValueError, match="the column"):
        rows(query)
