"""Which tier answers which days, what an object of the archive keeps, and hours of minutes."""

from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.adjusting import divided, multiplied
from marketdata.bars import ABSENT, BAR, FIELDS, HOUR_S, Gap, Interval, Records, hours, in_order
from marketdata.calendars import sessions
from marketdata.history_pages import gaps_of, price_text
from marketdata.partitions import DAILY, MINUTES, partitions_between
from marketdata.storage.parquet import decoded, encoded
from marketdata.tiers import Placed, belongs_in, parts

PRICES = st.one_of(st.just(ABSENT), st.integers(1, 9 * 10**18))
ROWS = st.lists(
    st.tuples(
        st.integers(1, 2**40),
        st.integers(1, 80_000),
        *(PRICES for _ in range(3)),
        st.integers(1, 9 * 10**18),
        st.one_of(st.just(ABSENT), st.integers(0, 2**62)),
    ),
    max_size=20,
)


def records(rows: list[tuple[int, ...]]) -> Records:
    return np.array(rows, BAR)


@given(ROWS, st.booleans(), st.integers(0, 8))
def test_an_object_keeps_every_digit(rows: list[tuple[int, ...]], daily: bool, zeros: int) -> None:
    given_ = records(rows)
    for name in ("open", "high", "low", "close"):
        whole = given_[name] - given_[name] % 10**zeros
        given_[name] = np.where((given_[name] == ABSENT) | (whole == 0), given_[name], whole)
    if not daily:
        given_["at"] *= 60
    found = decoded(encoded(given_, daily=daily))
    assert {name: found[name].tolist() for name in FIELDS} == {
        name: given_[name].tolist() for name in FIELDS
    }


def placed(text: str) -> list[Placed]:
    """`2019 cold, 2022 warm`: partitions of years."""
    words = [one.split() for one in text.split(", ")] if text else []
    return [
        Placed(int(year), tier, date(int(year), 1, 1), date(int(year) + 1, 1, 1))
        for year, tier in words
    ]


@pytest.mark.parametrize(
    ("where", "since", "until", "expected"),
    [
        ("", "2020-01-05", "2020-01-05", "hot 2020-01-05 2020-01-05"),
        (
            "2019 cold, 2022 warm",
            "2019-03-01",
            "2024-05-01",
            "cold 2019-03-01 2019-12-31, hot 2020-01-01 2021-12-31, warm 2022-01-01 2022-12-31, "
            "hot 2023-01-01 2024-05-01",
        ),
        ("2019 cold, 2018 cold", "2018-12-31", "2019-01-01", "cold 2018-12-31 2019-01-01"),
        ("2019 hot, 2020 cold", "2019-12-30", "2020-01-01",
         "hot 2019-12-30 2019-12-31, cold 2020-01-01 2020-01-01"),
        ("2019 cold", "2020-01-01", "2020-02-01", "hot 2020-01-01 2020-02-01"),
    ],
)  # fmt: skip
def test_each_day_of_a_range_has_one_tier(
    where: str, since: str, until: str, expected: str
) -> None:
    found = parts(placed(where), since=date.fromisoformat(since), until=date.fromisoformat(until))
    assert ", ".join(f"{one.tier} {one.first} {one.last}" for one in found) == expected
    days = [
        one.first + timedelta(days=n)
        for one in found
        for n in range((one.last - one.first).days + 1)
    ]
    assert days == sorted(set(days))


@pytest.mark.parametrize(
    ("end", "warm", "tier"),
    [
        ("2024-11-25", True, "hot"),
        ("2024-11-24", True, "warm"),
        ("2024-11-24", False, "cold"),
        ("2021-11-26", True, "warm"),
        ("2021-11-25", True, "cold"),
    ],
)
def test_a_partition_belongs_where_its_newest_day_is_old_enough(
    end: str, warm: bool, tier: str
) -> None:
    as_of = date(2026, 11, 24)
    assert belongs_in(end=date.fromisoformat(end), as_of=as_of, warm=warm) == tier


def test_a_range_touches_these_partitions() -> None:
    names = [one.name for one in partitions_between(DAILY, date(2009, 1, 1), date(2011, 1, 1))]
    assert names == [f"{DAILY}_before_2010", f"{DAILY}_2010", f"{DAILY}_2011"]
    names = [one.name for one in partitions_between(MINUTES, date(2025, 12, 31), date(2026, 1, 1))]
    assert names == [f"{MINUTES}_2025_12", f"{MINUTES}_2026_01"]


MINUTE_ROWS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 400)), unique=True, max_size=60
).map(sorted)


@given(MINUTE_ROWS)
def test_hours_are_what_a_plain_loop_finds(keys: list[tuple[int, int]]) -> None:
    rows = records([(a, n * 60, 10 + n % 7, 20 + n % 5, 1 + n % 3, 11 + n % 4, n) for a, n in keys])
    expected: dict[tuple[int, int], list[int]] = {}
    for a, at, first, high, low, close, volume in rows.tolist():
        bar = expected.setdefault((a, at - at % HOUR_S), [first, high, low, close, 0])
        bar[1:] = [max(bar[1], high), min(bar[2], low), close, bar[4] + volume]
    found = {(a, at): rest for a, at, *rest in map(list, hours(rows).tolist())}
    assert found == expected


def test_parts_of_several_assets_are_put_in_one_order() -> None:
    old, new = records([(1, 1, *[5] * 5), (2, 1, *[5] * 5)]), records([(1, 2, *[6] * 5)])
    assert in_order([old, new])["asset_id"].tolist() == [1, 1, 2]
    assert in_order([])["asset_id"].tolist() == []


def test_splits_divide_earlier_prices_and_come_back() -> None:
    rows = records([(1, 10, ABSENT, 30, 30, 30, 100), (1, 20, 12, 12, 12, 12, ABSENT)])
    days = np.array([10, 20])
    splits = [(15, Fraction(3)), (18, Fraction(1, 2))]
    after = divided(rows, days, splits)
    assert after.tolist() == [(1, 10, ABSENT, 20, 20, 20, 150), (1, 20, *[12] * 4, ABSENT)]
    assert multiplied(after, days, splits).tolist() == rows.tolist()


def test_gaps_are_runs_of_sessions() -> None:
    week = sessions(exchange="XNYS", first=date(2026, 11, 23), last=date(2026, 11, 28))
    assert [one.day.day for one in week] == [23, 24, 25, 27]
    there = records([(1, date(2026, 11, 24).toordinal(), *[5] * 5)])
    away = Gap(date(2026, 11, 27), date(2026, 11, 30), "cold_unavailable")
    assert gaps_of(there, Interval.DAY, week, [away]) == (
        Gap(date(2026, 11, 23), date(2026, 11, 23), "no_data"),
        Gap(date(2026, 11, 25), date(2026, 11, 25), "no_data"),
        away,
    )


@pytest.mark.parametrize(
    ("price", "text"),
    [(10**8, "1"), (123_450_000_000, "1234.5"), (1, "0.00000001"), (120 * 10**8, "120")],
)
def test_prices_are_written_in_the_shortest_way(price: int, text: str) -> None:
    assert price_text(price) == text
