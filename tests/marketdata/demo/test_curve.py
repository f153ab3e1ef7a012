"""Zero-coupon prices off a par curve, against closed forms."""

from decimal import Decimal as D

import pytest

from marketdata.demo.curve import ParYield, zero_price

FLAT = [ParYield(0.25, 0.04), ParYield(30, 0.04)]


@pytest.mark.parametrize(
    ("years", "expected"), [(0, "100.0000"), (0.5, "98.0392"), (1, "96.1169"), (10, "67.2971")]
)
def test_a_flat_curve_discounts_at_its_yield(years: float, expected: str) -> None:
    assert zero_price(par=FLAT, years=years) == D(expected)


def test_a_par_bond_built_from_the_zeros_costs_par() -> None:
    par = [ParYield(0.5, 0.01), ParYield(1, 0.015), ParYield(2, 0.02), ParYield(5, 0.03)]
    coupon = D("1.5")  # five years at 3 %, half-yearly
    coupons = sum(coupon * zero_price(par=par, years=n / 2) / 100 for n in range(1, 11))
    assert abs(coupons + zero_price(par=par, years=5) - 100) < D("0.001")


def test_higher_yields_make_cheaper_bonds_and_time_makes_them_dearer() -> None:
    steeper = [ParYield(0.25, 0.05), ParYield(30, 0.05)]
    assert zero_price(par=steeper, years=10) < zero_price(par=FLAT, years=10)
    assert zero_price(par=FLAT, years=9.9) > zero_price(par=FLAT, years=10)


def test_a_bond_past_its_end_has_no_price() -> None:
    with pytest.raises(ValueError, match="paid back"):
        zero_price(par=FLAT, years=-0.1)
