"""One rounding; parts that sum to the whole."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import allocate, largest_remainder, minor_unit, plain, quantize


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("0.005", "USD", "0.01"),
        ("-0.005", "USD", "-0.01"),
        ("0.0049", "USD", "0.00"),
        ("2.675", "EUR", "2.68"),
        ("100.5", "JPY", "101"),
        ("0.0005", "KWD", "0.001"),
    ],
)
def test_halves_round_away_from_zero_in_the_currency(
    amount: str, currency: str, rounded: str
) -> None:
    assert str(quantize(D(amount), currency)) == rounded


def test_cents_left_over_go_to_the_largest_remainders_earlier_first() -> None:
    assert allocate(D("100.00"), [D(1)] * 3, "USD") == [D("33.34"), D("33.33"), D("33.33")]
    assert allocate(D("-1.00"), [D(2), D(1)], "USD") == [D("-0.67"), D("-0.33")]
    assert allocate(D(10), [D(1), D(0), D(2)], "JPY") == [D(3), D(0), D(7)]


@given(
    st.integers(-(10**14), 10**14),
    st.lists(st.integers(0, 10**16), min_size=1, max_size=40).filter(any),
)
def test_parts_sum_to_the_whole_and_none_is_off_by_a_cent(cents: int, weights: list[int]) -> None:
    total = D(cents) / 100
    parts = allocate(total.quantize(D("0.01")), [D(w) for w in weights], "USD")
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - total * weight / sum(weights)) < D("0.01")


@pytest.mark.parametrize("weights", [[D(0)], [D(-1), D(2)], []])
def test_weights_that_give_no_share_are_refused(weights: list[D]) -> None:
    with pytest.raises(ValueError, match="weights"):
        allocate(D(1), weights, "USD")


def test_half_a_cent_cannot_be_allocated() -> None:
    with pytest.raises(ValueError, match="whole number"):
        allocate(D("0.005"), [D(1)], "USD")


@pytest.mark.parametrize(
    ("value", "text"),
    [("1E+3", "1000"), ("40.0000", "40"), ("0E-10", "0"), ("-0.00", "0"), ("0.4", "0.4")],
)
def test_plain_text_has_no_exponent_and_no_trailing_zeros(value: str, text: str) -> None:
    assert plain(D(value)) == text


def test_minor_units() -> None:
    assert (minor_unit("USD"), minor_unit("JPY"), minor_unit("BHD")) == (
        D("0.01"),
        D(1),
        D("0.001"),
    )


@given(st.lists(st.integers(-(10**30), 10**30), min_size=1, max_size=8), st.integers(1, 10**20))
def test_parts_by_largest_remainder_sum_to_the_whole_within_one_step(
    exact: list[int], step: int
) -> None:
    nearest = (2 * sum(exact) + step) // (2 * step)
    parts = largest_remainder(exact, step=step, steps=nearest)
    assert sum(parts) == nearest
    assert all(abs(part * step - one) <= step for part, one in zip(parts, exact, strict=True))
    assert largest_remainder([], step=step, steps=0) == []
    assert largest_remainder([5, 5, 6], step=10, steps=2) == [1, 0, 1]
