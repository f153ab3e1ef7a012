"""The weights of target sets: packed, and classes filled by funds."""

from decimal import Decimal

import pytest

from core.errors import InvalidInput
from portfolios.holdings.target_sets import (
    Fund,
    SetWeight,
    ensure_distinct,
    filled,
    packed,
    unpacked,
)

VTI, BND, AGG = Fund("1", "VTI"), Fund("2", "BND"), Fund("3", "AGG")


def asset(fund: Fund, share: str, band: str = "5", kind: str = "absolute") -> SetWeight:
    return SetWeight((fund,), Decimal(share), Decimal(band), kind)


def cash(share: str) -> SetWeight:
    return SetWeight((), Decimal(share), Decimal(1))


def of_class(name: str, share: str, *funds: Fund, band: str = "5") -> SetWeight:
    return SetWeight(funds, Decimal(share), Decimal(band), asset_class=name)


def test_weights_are_the_same_after_packing() -> None:
    weights = (
        asset(VTI, "59.5000", "20", "relative"),
        of_class("bond", "40", BND, AGG),
        cash("0.5"),
    )
    rows = packed(weights)
    assert rows[0]["target_percentage"] == "59.5"
    assert rows[2] == {
        "symbol": "CASH",
        "target_percentage": "0.5",
        "rebalance_threshold": "1",
        "threshold_kind": "absolute",
    }
    assert unpacked(rows) == weights
    assert packed(unpacked(rows)) == rows


def test_a_class_is_filled_by_its_first_fund_that_may_be_bought() -> None:
    weights = (asset(VTI, "60"), of_class("bond", "40", BND, AGG))
    assert [one.symbol for one in filled(weights, may_buy=lambda fund: True)] == ["VTI", "BND"]
    without = filled(weights, may_buy=lambda fund: fund != BND)
    assert [one.symbol for one in without] == ["VTI", "AGG"]
    assert [one.target_percentage for one in without] == [Decimal(60), Decimal(40)]


def test_shares_of_one_fund_add_up_under_the_narrower_band() -> None:
    weights = (asset(BND, "30", "10", "relative"), of_class("bond", "70", BND))
    (one,) = filled(weights, may_buy=lambda fund: True)
    assert (one.target_percentage, one.band, one.threshold_kind) == (
        Decimal(100),
        Decimal(3),
        "absolute",
    )


def test_a_class_that_nothing_may_fill_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        filled((of_class("bond", "100", BND, AGG),), may_buy=lambda fund: False)
    assert refused.value.code == "class_not_filled"


@pytest.mark.parametrize(
    "weights",
    [
        (asset(VTI, "50"), asset(VTI, "50")),
        (cash("50"), cash("50")),
        (of_class("bond", "50", BND), of_class("bond", "50", AGG)),
    ],
)
def test_two_weights_of_one_thing_are_refused(weights: tuple[SetWeight, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        ensure_distinct(weights)
    assert refused.value.code == "target_twice"
