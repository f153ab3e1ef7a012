"""Which lots a fill names: the next ones of the sale, in its order."""

import re
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.ledger.entries import ChosenLot
from transactions.orders.lots import chosen_lots, left_of, next_lots, stored_lots

A, B, C = (UUID(int=number) for number in (1, 2, 3))
LOTS = (
    ChosenLot(A, Decimal(10), 0),
    ChosenLot(B, Decimal(5), None),
    ChosenLot(C, Decimal("2.5"), 3),
)

CASES = """
before fill  named
0      10    A10
8      4     A2 B2
10     5     B5
12     5.5   B3 C2.5
0      17.5  A10 B5 C2.5
0      18    none
17     1     none
"""


@pytest.mark.parametrize("line", CASES.strip().splitlines()[1:])
def test_a_fill_goes_on_where_the_last_one_ended(line: str) -> None:
    before, quantity, *named = line.split()
    found = next_lots(LOTS, before=Decimal(before), quantity=Decimal(quantity))
    names = {A: "A", B: "B", C: "C"}
    shown = [f"{names[lot.lot_id]}{lot.quantity.normalize():f}" for lot in found]
    assert (shown or ["none"]) == named


@given(cuts=st.lists(st.decimals("0.1", "17.5", places=1), min_size=1, max_size=6))
def test_fills_that_add_up_to_the_sale_name_every_lot_exactly_once(cuts: list[Decimal]) -> None:
    total, before, named = Decimal("17.5"), Decimal(0), dict.fromkeys((A, B, C), Decimal(0))
    for cut in [*cuts, total]:
        quantity = min(cut, total - before)
        if quantity <= 0:
            break
        for lot in next_lots(LOTS, before=before, quantity=quantity):
            named[lot.lot_id] += lot.quantity
        before += quantity
    assert named == {lot.lot_id: lot.quantity for lot in LOTS}


def test_lots_come_back_as_they_were_stored() -> None:
    assert chosen_lots(stored_lots(LOTS)) == LOTS


LEFT = """
lots            taken      left
A10 B5          -          A10 B5
A10 B5          A10        B5
A10 B5          B5         A10
A10 B5          B2 A3      A7 B3
A10 B5          C4         A10 B5
A10/0 A4/1 B5   A4/1       A10/0 B5
A10/0 A4/1 B5   A12/0      A2/1 B5
A10 B5          A3/7 B9    A7
"""


def named(text: str) -> list[ChosenLot]:
    """Lots such as `A10/0`: ten units of piece 0 of A."""
    found = []
    for word in text.split():
        if word != "-":
            quantity, _, piece = word[1:].partition("/")
            lot_id = {"A": A, "B": B, "C": C}[word[0]]
            found.append(ChosenLot(lot_id, Decimal(quantity), int(piece) if piece else None))
    return found


@pytest.mark.parametrize("line", LEFT.strip().splitlines()[1:])
def test_what_fills_have_taken_is_gone_wherever_it_lay(line: str) -> None:
    lots, taken, left = re.split(r"\s{2,}", line)
    assert list(left_of(named(lots), named(taken))) == named(left)
