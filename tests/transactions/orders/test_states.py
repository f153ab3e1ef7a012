"""The states of an order: a machine that conserves units, whatever happens in whatever order."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BallastError
from transactions.orders.states import (
    ENDED,
    OPEN,
    Progress,
    Standing,
    State,
    accepted,
    answer_lost,
    cancelled,
    expired,
    filled,
    ordered,
    progress,
    rejected,
    unfilled,
)

QUANTITIES = st.decimals(min_value="0.0001", max_value="1000", places=4)
HAPPENINGS: dict[str, Callable[[Standing], Standing]] = {
    "accepted": accepted,
    "lost": answer_lost,
    "cancelled": cancelled,
    "rejected": rejected,
    "expired": expired,
}


@given(
    quantity=QUANTITIES,
    at_broker=st.booleans(),
    happenings=st.lists(
        st.one_of(st.sampled_from(sorted(HAPPENINGS)), st.tuples(st.just("fill"), QUANTITIES)),
        max_size=12,
    ),
)
def test_whatever_happens_units_are_conserved_and_an_end_is_an_end(
    quantity: Decimal, at_broker: bool, happenings: list[str | tuple[str, Decimal]]
) -> None:
    standing = ordered(quantity, at_broker=at_broker)
    total, refused = Decimal(0), set()
    for happening in happenings:
        before = standing
        try:
            if isinstance(happening, tuple):
                standing = filled(standing, happening[1])
                total += happening[1]
            else:
                standing = HAPPENINGS[happening](standing)
        except BallastError as refusal:
            refused.add(refusal.code)
            assert standing == before
        assert standing.filled == total <= quantity
        assert standing.open == (quantity - total if standing.state in OPEN else 0)
        if before.state in ENDED:
            assert standing == before
        if not at_broker:
            assert standing.state not in {State.SENDING, State.UNKNOWN, State.SUBMITTED}
    assert refused <= {"order_not_open", "fill_exceeds_order"}


@given(quantity=QUANTITIES, parts=st.lists(QUANTITIES, max_size=6), cancel=st.booleans())
def test_fills_taken_back_in_any_order_leave_nothing_filled(
    quantity: Decimal, parts: list[Decimal], cancel: bool
) -> None:
    standing, done = ordered(quantity), []
    for part in parts:
        if part <= standing.open:
            standing = filled(standing, part)
            done.append(part)
    if cancel and standing.state in OPEN:
        standing = cancelled(standing)
    was_cancelled = standing.state == State.CANCELLED
    for part in sorted(done):
        standing = unfilled(standing, part)
    assert standing.filled == 0
    assert standing.state == (State.CANCELLED if was_cancelled else State.PLACED)


def test_more_than_is_open_is_refused_with_its_code() -> None:
    with pytest.raises(BallastError) as refusal:
        filled(filled(ordered(Decimal(5)), Decimal(3)), Decimal("2.5"))
    assert refusal.value.code == "fill_exceeds_order"
    assert "Only 2 units" in refusal.value.detail


PROGRESSES = """
trades ordered filled open   progress
5      0       no     no     approved
5      5       no     yes    approved
5      5       yes    yes    partly_done
5      1       yes    no     partly_done
5      5       yes    no     done
"""


@pytest.mark.parametrize("line", PROGRESSES.strip().splitlines()[1:])
def test_a_recommendation_is_done_when_nothing_is_left_to_do(line: str) -> None:
    trades, ordered_, filled_, open_, wanted = line.split()
    found = progress(
        trades=int(trades),
        ordered=int(ordered_),
        anything_filled=filled_ == "yes",
        anything_open=open_ == "yes",
    )
    assert found == Progress(wanted)
