"""A sample is moved by whole weeks, ends at the last session, and loses no session."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.demo.shifting import SampleTooShort, shift


def working_days(first: date, last: date) -> list[date]:
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [day for day in days if day.weekday() < 5]


def test_the_worked_example_of_the_module() -> None:
    sessions = working_days(date(2022, 12, 1), date(2022, 12, 28))
    move = shift(sessions=sessions, last_session=date(2026, 11, 20), held_back_min=1)
    assert move.days == 1428
    assert sessions[move.split] == date(2022, 12, 23)
    held_back = [day + timedelta(days=move.days) for day in sessions[move.split + 1 :]]
    assert held_back == [date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25)]


@given(
    last=st.dates(date(2023, 1, 1), date(2035, 12, 31)).filter(lambda day: day.weekday() < 5),
    held_back_min=st.integers(0, 40),
    gaps=st.sets(st.integers(0, 259), max_size=12),
)
def test_history_ends_at_the_last_session_with_every_weekday_kept(
    last: date, held_back_min: int, gaps: set[int]
) -> None:
    days = working_days(date(2022, 1, 3), date(2022, 12, 30))
    sessions = [day for index, day in enumerate(days) if index not in gaps]
    move = shift(sessions=sessions, last_session=last, held_back_min=held_back_min)
    moved = [day + timedelta(days=move.days) for day in sessions]
    assert moved[move.split] == last
    assert [day.weekday() for day in moved] == [day.weekday() for day in sessions]
    assert len(sessions) - 1 - move.split >= held_back_min
    later = sessions[move.split + 1 : len(sessions) - held_back_min]
    assert last.weekday() not in {day.weekday() for day in later}, "a newer split would do"


def test_a_sample_too_short_to_hold_anything_back_is_refused() -> None:
    sessions = working_days(date(2022, 12, 26), date(2022, 12, 30))
    with pytest.raises(SampleTooShort):
        shift(sessions=sessions, last_session=date(2026, 11, 20), held_back_min=5)
