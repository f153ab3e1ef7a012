"""What is expected in the next 12 months, by hand: announced, projected, never twice."""

from datetime import date, timedelta
from decimal import Decimal as D
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dates import moved_by_years
from marketdata.dividends import Announced
from portfolios.income.expected import (
    ANNOUNCED,
    PROJECTED,
    Expected,
    Paid,
    expected,
    window_days,
)

TODAY = date(2026, 11, 28)


def paid(day: date, amount: str, units: int | None = 10, asset: int | None = 1) -> Paid:
    return Paid(asset, day, "USD", D(amount), None if units is None else Fraction(units))


def told(ex_date: date, amount: str, payment: date | None = None, asset: int = 1) -> Announced:
    return Announced(asset, ex_date, D(amount), "USD", payment)


def asked(
    paid: list[Paid], announced: list[Announced] | None = None, units: str = "10", **more: Any
) -> list[Expected]:
    announced = announced or []
    usual: dict[str, Any] = {
        "paid": paid,
        "announced": announced,
        "units": {1: D(units)},
        "entitled": {(one.asset_id, one.ex_date): D(units) for one in announced},
        "rates": {"USD": D(1)},
        "household_currency": "USD",
        "today": TODAY,
    }
    return expected(**{**usual, **more})


def short(found: list[Expected]) -> list[tuple[date, str, str]]:
    return [(one.day, one.basis, str(one.amount)) for one in found]


QUARTERS = [date(2026, 1, 15), date(2026, 4, 15), date(2026, 7, 15), date(2026, 10, 15)]


def test_each_payment_of_the_year_comes_again_for_the_units_held_now() -> None:
    found = asked([paid(day, "4.00") for day in QUARTERS], units="15")
    assert short(found) == [(moved_by_years(day, 1), PROJECTED, "6.00") for day in QUARTERS]
    assert {(one.per_unit, one.paid_date in QUARTERS) for one in found} == {(D("0.4"), True)}


def test_the_example_of_the_module_a_split_between_payment_and_projection() -> None:
    # 10 shares then are 20 of today.
    row = paid(date(2026, 3, 10), "4.00", units=20)
    assert short(asked([row], units="20")) == [(date(2027, 3, 10), PROJECTED, "4.00")]
    assert short(asked([row], units="30")) == [(date(2027, 3, 10), PROJECTED, "6.00")]
    announced = [told(date(2027, 2, 25), "0.25")]
    found = asked([row], announced, units="30")
    assert short(found) == [(date(2027, 2, 25), ANNOUNCED, "7.50")]
    assert (found[0].ex_date, found[0].paid_date) == (date(2027, 2, 25), None)


def test_an_announced_dividend_is_expected_on_its_day_of_payment_and_replaces_one_quarter() -> None:
    announced = [told(date(2026, 12, 30), "0.45", date(2027, 1, 20))]
    assert short(asked([paid(day, "4.00") for day in QUARTERS], announced)) == [
        (date(2027, 1, 20), ANNOUNCED, "4.50"),
        (date(2027, 4, 15), PROJECTED, "4.00"),
        (date(2027, 7, 15), PROJECTED, "4.00"),
        (date(2027, 10, 15), PROJECTED, "4.00"),
    ]


def test_one_whose_ex_date_has_passed_counts_until_it_is_paid() -> None:
    announced = [told(date(2026, 11, 20), "0.45", date(2026, 12, 4))]
    assert short(asked([], announced)) == [(date(2026, 12, 4), ANNOUNCED, "4.50")]
    assert short(asked([paid(date(2026, 11, 25), "4.50")], announced)) == [
        (date(2027, 11, 25), PROJECTED, "4.50")
    ]
    # Without a day of payment it is due tomorrow; long past, it is not expected any more.
    assert short(asked([], [told(date(2026, 11, 20), "0.45")])) == [
        (TODAY + timedelta(days=1), ANNOUNCED, "4.50")
    ]
    assert asked([], [told(date(2026, 9, 1), "0.45")]) == []


@pytest.mark.parametrize(("now", "before"), [("0", "40"), ("100", "40"), ("40", "0")])
def test_one_whose_ex_date_has_passed_is_paid_on_the_units_held_before_it(
    now: str, before: str
) -> None:
    ex_date = date(2026, 11, 20)
    announced = [told(ex_date, "0.45", date(2026, 12, 4)), told(date(2027, 2, 1), "0.50")]
    found = asked([], announced, units=now, entitled={(1, ex_date): D(before)})
    past = [(date(2026, 12, 4), ANNOUNCED, f"{D(before) * D('0.45'):.2f}")] if D(before) else []
    later = [(date(2027, 2, 1), ANNOUNCED, f"{D(now) * D('0.50'):.2f}")] if D(now) else []
    assert short(found) == past + later


def test_what_came_earlier_this_year_than_last_is_not_expected_again_soon() -> None:
    days = [date(2025, 12, 10), date(2026, 3, 10), date(2026, 6, 10), date(2026, 9, 10)]
    early = [*days, date(2026, 11, 24)]
    found = [one.day for one in asked([paid(day, "4.00") for day in early])]
    assert found == [moved_by_years(day, 1) for day in early[1:]]


def test_monthly_payments_do_not_hide_each_other() -> None:
    months = [date(2025, 12, 5), *(date(2026, month, 5) for month in range(1, 12))]
    assert len(asked([paid(day, "1.00") for day in months])) == 12


def test_payments_of_two_accounts_within_a_week_are_one() -> None:
    both = [paid(day + timedelta(days=shift), "2.00", 20) for day in QUARTERS for shift in (0, 2)]
    assert window_days(both) == 45
    announced = [told(date(2027, 1, 4), "0.30")]
    assert short(asked(both, announced, units="20"))[:2] == [
        (date(2027, 1, 4), ANNOUNCED, "6.00"),
        (date(2027, 4, 15), PROJECTED, "2.00"),
    ]


def test_what_is_no_longer_held_pays_nothing_and_cash_pays_as_it_did() -> None:
    assert asked([paid(QUARTERS[0], "4.00")], [told(date(2027, 1, 4), "0.30")], units="0") == []
    interest = paid(date(2026, 6, 30), "12.34", units=None, asset=None)
    (one,) = asked([interest])
    assert (one.day, one.amount, one.per_unit) == (date(2027, 6, 30), D("12.34"), None)


def test_amounts_are_converted_at_the_present_rate_and_unknown_without_one() -> None:
    (one,) = asked([paid(QUARTERS[0], "4.00")], rates={"USD": D("0.8123")})
    assert one.amount_household == D("3.25")
    (one,) = asked([paid(QUARTERS[0], "4.00")], rates={})
    assert one.amount_household is None


@pytest.mark.parametrize(("day", "moved"), [(date(2024, 2, 29), date(2025, 2, 28))])
def test_a_leap_day_has_a_day_in_every_year(day: date, moved: date) -> None:
    assert moved_by_years(day, 1) == moved


@given(
    st.lists(st.integers(0, 364), max_size=14),
    st.lists(st.integers(-100, 365), max_size=4),
)
def test_everything_expected_lies_in_the_next_year(back: list[int], ahead: list[int]) -> None:
    found = asked(
        [paid(TODAY - timedelta(days=days), "1.00") for days in back],
        [told(TODAY + timedelta(days=days), "0.10") for days in set(ahead)],
    )
    assert all(TODAY < one.day <= moved_by_years(TODAY, 1) for one in found)
    assert len(found) <= len(back) + len(ahead)
