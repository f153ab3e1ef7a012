"""Daily closes for charts and engines: bounded, ordered, few queries."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import BallastError
from marketdata.api.history import bar_rows
from marketdata.bars import Interval
from marketdata.models import DailyPrice
from marketdata.queries import Adjustment, closing_prices, history_page, last_closes

pytestmark = pytest.mark.django_db

FIRST, LAST = date(2025, 10, 1), date(2026, 11, 20)


@pytest.fixture
def series(make_asset: Callable[..., Any]) -> list[Any]:
    made = [make_asset(f"S{n}", shifted_days=1806) for n in range(3)]
    DailyPrice.objects.bulk_create(
        DailyPrice(asset_id=asset.pk, date=FIRST + timedelta(days=n), close=D(n + 1))
        for asset in made[:2]
        for n in range((LAST - FIRST).days + 1)
    )
    return made


def page(asset: Any, from_date: date, to_date: date, **options: Any) -> Any:
    return history_page(
        **{
            "asset": asset,
            "household_id": 0,
            "from_date": from_date,
            "to_date": to_date,
            "interval": Interval.DAY,
            "adjustment": Adjustment.PUBLISHED,
            "now": datetime(2026, 11, 21, tzinfo=UTC),
            **options,
        }
    )


def test_a_year_of_history_comes_oldest_first_with_original_dates(series: list[Any]) -> None:
    rows = bar_rows(page(series[0], date(2025, 11, 20), LAST), shifted_days=1806)
    assert len(rows) == 366
    assert [row["date"] for row in rows] == sorted(str(row["date"]) for row in rows)
    last = rows[-1]
    assert (last["date"], last["original_date"]) == ("2026-11-20", "2021-12-10")
    assert (last["close"], last["open"]) == ("416", None)


@pytest.mark.parametrize(
    ("from_date", "to_date", "code"),
    [
        (date(2025, 11, 19), LAST, "range_too_long"),
        (date(1, 1, 1), date(9999, 12, 31), "range_too_long"),
        (LAST, FIRST, "range_reversed"),
    ],
)
def test_more_than_a_year_is_refused(
    series: list[Any], from_date: date, to_date: date, code: str
) -> None:
    with pytest.raises(BallastError) as refusal:
        page(series[0], from_date, to_date)
    assert refusal.value.code == code


def test_closes_of_many_assets_are_one_query(series: list[Any]) -> None:
    ids = [asset.pk for asset in series]
    with CaptureQueriesContext(connection) as asked:
        found = closing_prices(asset_ids=ids, from_date=LAST - timedelta(days=1), to_date=LAST)
    assert len(asked) == 1
    days = [(LAST - timedelta(days=1), D(415)), (LAST, D(416))]
    assert found == {ids[0]: days, ids[1]: days}


def test_last_closes_carry_forward_within_a_window(series: list[Any]) -> None:
    ids = [asset.pk for asset in series]
    with CaptureQueriesContext(connection) as asked:
        found = last_closes(asset_ids=ids, as_of=LAST + timedelta(days=30))
    assert len(asked) == 1
    assert found == {ids[0]: (LAST, D(416)), ids[1]: (LAST, D(416))}
    assert last_closes(asset_ids=ids, as_of=LAST + timedelta(days=367)) == {}


def test_too_many_assets_at_once_are_refused() -> None:
    with pytest.raises(BallastError) as refusal:
        closing_prices(asset_ids=range(5001), from_date=FIRST, to_date=LAST)
    assert refusal.value.code == "too_many_assets"
