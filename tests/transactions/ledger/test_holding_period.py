"""When a gain becomes long term: an anniversary, never a count of days."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.ledger.holding_period import first_long_term_date, is_long_term


@pytest.mark.parametrize(
    ("opened", "first_long"),
    [
        ("2025-01-06", "2026-01-07"),
        ("2023-02-27", "2024-02-28"),
        ("2023-02-28", "2024-03-01"),
        ("2024-02-27", "2025-02-28"),
        ("2024-02-28", "2025-03-01"),
        ("2024-02-29", "2025-03-01"),
        ("2024-03-01", "2025-03-02"),
        ("2025-01-31", "2026-02-01"),
        ("2025-04-30", "2026-05-01"),
        ("2025-12-31", "2027-01-01"),
    ],
)
def test_the_first_long_term_day_is_the_anniversary_of_the_first_holding_day(
    opened: str, first_long: str
) -> None:
    opened_date, day = date.fromisoformat(opened), date.fromisoformat(first_long)
    assert first_long_term_date(opened_date=opened_date) == day
    assert is_long_term(opened_date=opened_date, sold_date=day)
    assert not is_long_term(opened_date=opened_date, sold_date=day - timedelta(days=1))


def test_a_year_with_a_leap_day_is_not_counted_in_days() -> None:
    # 366 days after the purchase and still short.
    assert not is_long_term(opened_date=date(2023, 2, 28), sold_date=date(2024, 2, 29))


@given(st.dates(date(1960, 1, 1), date(2090, 1, 1)))
def test_a_later_purchase_never_becomes_long_term_earlier(opened: date) -> None:
    later = first_long_term_date(opened_date=opened + timedelta(days=1))
    first = first_long_term_date(opened_date=opened)
    assert first <= later
    assert 366 <= (first - opened).days <= 367
