"""The table of kinds: complete, and the only one."""

from fractions import Fraction
from typing import get_args, get_type_hints

import pytest

from transactions.ledger import entries
from transactions.ledger.fold import STEPS
from transactions.ledger.kinds import BOOKED_TYPES, KINDS, OWN_TRANSFER, Kind, grouped, named, rank
from transactions.models import Transaction


def test_every_step_is_known_and_every_known_step_is_taken() -> None:
    assert {KINDS[name].step for name in BOOKED_TYPES} == set(STEPS)


def test_every_kind_has_its_rules_of_figures_and_its_place_in_performance() -> None:
    for kind in KINDS.values():
        assert kind.figures in entries._FIGURES
        assert kind.performance in get_args(get_type_hints(Kind)["performance"])
        assert set(kind.requires) <= kind.takes


def test_the_model_and_the_page_offer_the_kinds_of_the_table() -> None:
    choices = Transaction._meta.get_field("type").choices
    assert choices is not None
    assert [name for name, _ in choices] == list(KINDS)
    assert sorted(name for _, kinds in grouped() for name, _ in kinds) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_what_moves_no_lots_moves_no_units(kind: Kind) -> None:
    before = Fraction(10)
    after = kind.units(before, Fraction(4), Fraction(1, 2))
    assert (kind.lots == "none") == (kind.step == "")
    if kind.lots == "none":
        assert after == (before, 0)


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("buy", (14, 0)),
        ("sell", (6, 0)),
        ("transfer_in", (14, 0)),
        ("transfer_out", (6, 0)),
        ("split", (5, 0)),
        ("spin_off", (10, 5)),
        ("merger", (0, 5)),
        ("exchange_offer", (6, 2)),
        ("return_of_capital", (10, 0)),
    ],
)
def test_ten_units_after_a_kind_with_four_units_and_a_ratio_of_one_for_two(
    name: str, after: tuple[int, int]
) -> None:
    assert KINDS[name].units(Fraction(10), Fraction(4), Fraction(1, 2)) == after


def test_events_go_before_purchases_before_own_transfers_before_sales_before_what_leaves() -> None:
    in_order = ["split", "buy", "transfer_in", "sell", "transfer_out", "deposit"]
    ranks = [rank(type=name, own=False) for name in in_order]
    assert ranks == sorted(ranks)
    assert rank(type="transfer_in", own=True) == rank(type="transfer_out", own=True) == OWN_TRANSFER
    assert KINDS["buy"].rank < OWN_TRANSFER < KINDS["sell"].rank


def test_purchases_are_what_opens_a_lot_for_money() -> None:
    assert set(named(purchase=True)) == set(named(lots="acquires")) - {"transfer_in"}
