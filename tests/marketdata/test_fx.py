"""Crosses through the euro, to the last digit; and when a rate is stale."""

from datetime import date
from decimal import Decimal as D
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.limits import FX_RATE_DECIMALS
from core.money import converted
from marketdata.fx import Fixing, crossed, is_stale, weekday_number

FRIDAY = date(2026, 10, 30)
FIXINGS = {
    "USD": Fixing(D("1.0850"), FRIDAY),
    "GBP": Fixing(D("0.8350"), FRIDAY),
    "JPY": Fixing(D("175.68"), date(2026, 10, 29)),
}

CROSSES = """
EUR USD 1.085
USD EUR 0.921658986175115207
GBP USD 1.29940119760479042
USD GBP 0.769585253456221198
USD JPY 161.91705069124424
JPY USD 0.00617600182149362477
EUR EUR 1
USD USD 1
"""


@pytest.mark.parametrize("line", CROSSES.strip().splitlines())
def test_crosses_to_the_digit(line: str) -> None:
    base, quote, expected = line.split()
    found = crossed(base=base, quote=quote, fixings=FIXINGS, as_of=FRIDAY)
    assert found is not None
    assert found.rate == D(expected)


def test_fifteen_billion_rupiah_are_worth_the_same_cents_as_without_rounding() -> None:
    fixings = {"IDR": Fixing(D("17685.10"), FRIDAY), "USD": Fixing(D("1.0321"), FRIDAY)}
    found = crossed(base="IDR", quote="USD", fixings=fixings, as_of=FRIDAY)
    assert found is not None
    # Ten decimals, six digits of this rate, gave 875398.50.
    assert converted(D(15_000_000_000), found.rate, "USD") == D("875397.93")


@given(
    base=st.decimals("0.00000001", "99999999", places=8),
    quote=st.decimals("0.00000001", "99999999", places=8),
)
def test_a_rate_keeps_eighteen_digits_and_fits_its_column(base: D, quote: D) -> None:
    fixings = {"AAA": Fixing(base, FRIDAY), "BBB": Fixing(quote, FRIDAY)}
    found = crossed(base="AAA", quote="BBB", fixings=fixings, as_of=FRIDAY)
    assert found is not None
    digits, exponent = found.rate.as_tuple()[1:]
    assert len(digits) <= 18
    assert isinstance(exponent, int)
    assert exponent >= -FX_RATE_DECIMALS
    exact = Fraction(quote) / Fraction(base)
    unit = Fraction(10) ** max(-FX_RATE_DECIMALS, found.rate.adjusted() - 17)
    assert abs(Fraction(found.rate) - exact) <= unit / 2


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
