"""When a holding reinvests again, by its own rhythm."""

from datetime import date, timedelta

import pytest

from recommendations.harvesting.reinvestments import Reinvestment, reinvestment

MARCH, JUNE = date(2026, 3, 16), date(2026, 6, 15)


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        (date(2026, 6, 15), date(2026, 9, 14)),
        (date(2026, 9, 14), date(2026, 9, 14)),
        # Overdue: any day from today.
        (date(2026, 9, 20), date(2026, 9, 20)),
        # One and a half intervals are 136 days: on the 137th it counts as switched off.
        (date(2026, 10, 29), date(2026, 10, 29)),
        (date(2026, 10, 30), None),
    ],
)
def test_the_next_one_follows_by_the_median_interval(as_of: date, expected: date | None) -> None:
    assert reinvestment(days=[MARCH, JUNE], as_of=as_of) == Reinvestment(JUNE, expected)


def test_one_reinvestment_is_taken_as_quarterly() -> None:
    found = reinvestment(days=[JUNE], as_of=JUNE + timedelta(days=10))
    assert found == Reinvestment(JUNE, JUNE + timedelta(days=91))


def test_an_odd_gap_does_not_move_the_rhythm() -> None:
    days = [date(2026, 1, 5), date(2026, 2, 5), date(2026, 3, 5), date(2026, 6, 1)]
    found = reinvestment(days=days, as_of=date(2026, 6, 2))
    assert found == Reinvestment(date(2026, 6, 1), date(2026, 7, 2))


def test_what_was_long_ago_or_is_still_to_come_says_nothing() -> None:
    as_of = date(2026, 6, 1)
    days = [as_of - timedelta(days=401), as_of + timedelta(days=1)]
    assert reinvestment(days=days, as_of=as_of) is None
