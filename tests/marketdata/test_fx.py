"""Crosses through the euro, to the last digit; and when a rate is stale."""

from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.fx import Fixing, crossed, is_stale, weekday_number

FRIDAY = date(2026, 10, 30)
FIXINGS = {
    "USD": Fixing(D("1.0850"), FRIDAY),
    "GBP": Fixing(D("0.8350"), FRIDAY),
    "JPY": Fixing(D("175.68"), date(2026, 10, 29)),
}

CROSSES = """
EUR USD 1.0850000000
USD EUR 0.9216589862
GBP USD 1.2994011976
USD GBP 0.7695852535
USD JPY 161.9170506912
JPY USD 0.0061760018
EUR EUR 1
USD USD 1
"""


@pytest.mark.parametrize("line", CROSSES.strip().splitlines())
def test_crosses_to_the_digit(line: str) -> None:
    base, quote, expected = line.split()
    found = crossed(base=base, quote=quote, fixings=FIXINGS, as_of=FRIDAY)
    assert found is not None
    assert found.rate == D(expected)


def test_a_cross_is_as_old_as_its_older_fixing() -> None:
    found = crossed(base="USD", quote="JPY", fixings=FIXINGS, as_of=FRIDAY)
    assert found is not None
    assert found.date == date(2026, 10, 29)


def test_an_unknown_currency_has_no_rate() -> None:
    assert crossed(base="USD", quote="XAU", fixings=FIXINGS, as_of=FRIDAY) is None
    assert crossed(base="XAU", quote="EUR", fixings=FIXINGS, as_of=FRIDAY) is None


STALENESS = """
fixed       asked       stale
2026-10-30  2026-10-30  no      the day itself
2026-10-30  2026-10-31  no      Saturday
2026-10-30  2026-11-01  no      Sunday
2026-10-30  2026-11-02  no      Monday before the afternoon's fixing
2026-10-30  2026-11-03  yes     Tuesday: Monday's is missing
2026-10-29  2026-10-30  no      the next working day
2026-10-28  2026-10-30  yes     two working days
"""


@pytest.mark.parametrize("line", STALENESS.strip().splitlines()[1:])
def test_a_rate_is_stale_when_a_working_day_is_missing(line: str) -> None:
    fixed, asked, stale = line.split()[:3]
    found = is_stale(fixed_on=date.fromisoformat(fixed), as_of=date.fromisoformat(asked))
    assert found == (stale == "yes")


@given(day=st.dates(date(1990, 1, 1), date(2040, 1, 1)))
def test_working_days_count_up_by_five_a_week(day: date) -> None:
    assert weekday_number(date.fromordinal(day.toordinal() + 7)) - weekday_number(day) == 5
