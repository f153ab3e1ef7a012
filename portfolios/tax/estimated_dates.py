"""The days on which estimated federal income tax of a year is due. Pure.

IRC 6654(c)(2): April 15, June 15 and September 15 of the year, and January 15 of the next one. A
day that is a Saturday, a Sunday or a legal holiday in the District of Columbia moves to the next
one that is none of these (IRC 7503). Of those holidays only Martin Luther King's day and
Emancipation day can meet such a day. What the IRS postponed for a disaster is not here.

Worked example: for 2022, April 15 was Emancipation day as observed, so April 18; June 15;
September 15; and January 15, 2023 was a Sunday and the 16th Martin Luther King's day, so the 17th.
"""

from datetime import date, timedelta

_SATURDAY, _SUNDAY = 5, 6
_DAY = timedelta(days=1)


def estimated_tax_dates(year: int) -> tuple[date, date, date, date]:
    """Return the four days for a tax year, in order."""
    first, second, third, fourth = (
        _next_business_day(day)
        for day in (
            date(year, 4, 15),
            date(year, 6, 15),
            date(year, 9, 15),
            date(year + 1, 1, 15),
        )
    )
    return first, second, third, fourth


def _next_business_day(day: date) -> date:
    while day.weekday() >= _SATURDAY or day in _holidays(day.year):
        day += _DAY
    return day


def _holidays(year: int) -> tuple[date, date]:
    first = date(year, 1, 1)
    third_monday = first + timedelta(days=-first.weekday() % 7 + 14)
    emancipation = date(year, 4, 16)
    if emancipation.weekday() == _SATURDAY:
        emancipation -= _DAY
    elif emancipation.weekday() == _SUNDAY:
        emancipation += _DAY
    return third_monday, emancipation
