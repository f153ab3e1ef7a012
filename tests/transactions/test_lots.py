"""Booking, as tables an accountant can read: trades in, lots and closings out."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.lots import (
    Booked,
    Chosen,
    InsufficientShares,
    LotSelectionInvalid,
    Trade,
    booked,
)


def trades_of(text: str, *, method: str = "fifo") -> list[Trade]:
    """Lines `date side quantity net [lot:quantity ...]`; trades are numbered from 1."""
    trades = []
    for number, line in enumerate(filter(str.strip, text.strip().splitlines()), start=1):
        day, side, quantity, net, *chosen = line.split()
        parts = tuple(
            Chosen(int(part.split(":")[0]), Decimal(part.split(":")[1])) for part in chosen
        )
        trades.append(
            Trade(
                number,
                side,
                Decimal(quantity),
                Decimal(net),
                datetime.fromisoformat(day).replace(tzinfo=UTC),
                ("specific" if parts else method) if side == "sell" else "",
                parts,
            )
        )
    return trades


def lots_text(outcome: Booked) -> str:
    return "\n".join(
        f"{lot.acquisition_id} {lot.quantity:f} {lot.cost_basis:f}" for lot in outcome.lots
    )


def closings_text(outcome: Booked) -> str:
    return "\n".join(
        f"{part.sale_id} from {part.acquisition_id}: {part.quantity:f} "
        f"{part.proceeds:f} - {part.cost_basis:f} {'long' if part.long_term else 'short'}"
        for part in outcome.closings
    )


def table(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


LADDER = """
    2023-01-03 buy  10 100.00
    2023-06-01 buy  10 150.00
    2024-03-01 buy  10 120.00
    2024-06-03 sell 15 210.00
"""


@pytest.mark.parametrize(
    ("method", "closings", "lots"),
    [
        (
            "fifo",
            """4 from 1: 10 140.00 - 100.00 long
               4 from 2: 5 70.00 - 75.00 long""",
            """2 5 75.00
               3 10 120.00""",
        ),
        (
            "lifo",
            """4 from 3: 10 140.00 - 120.00 short
               4 from 2: 5 70.00 - 75.00 long""",
            """1 10 100.00
               2 5 75.00""",
        ),
        (
            "hifo",
            """4 from 2: 10 140.00 - 150.00 long
               4 from 3: 5 70.00 - 60.00 short""",
            """1 10 100.00
               3 5 60.00""",
        ),
    ],
)
def test_each_method_takes_lots_in_its_own_order(method: str, closings: str, lots: str) -> None:
    outcome = booked(trades=trades_of(LADDER, method=method), currency="USD")
    assert closings_text(outcome) == table(closings)
    assert lots_text(outcome) == table(lots)


def test_specific_lots_are_sold_as_named() -> None:
    outcome = booked(
        trades=trades_of("""
            2023-01-03 buy  10 100.00
            2023-06-01 buy  10 150.00
            2024-06-03 sell  6  90.00 2:4 1:2
        """),
        currency="USD",
    )
    assert closings_text(outcome) == table("""
        3 from 2: 4 60.00 - 60.00 long
        3 from 1: 2 30.00 - 20.00 long
    """)


@pytest.mark.parametrize(
    "chosen", ["2:6", "1:11", "1:3 1:3", "9:6", "1:6 2:1"], ids=lambda text: text.replace(" ", "_")
)
def test_named_lots_must_exist_suffice_and_add_up(chosen: str) -> None:
    trades = trades_of(f"""
        2023-01-03 buy  10 100.00
        2023-06-01 buy   5 150.00
        2024-06-03 sell  6  90.00 {chosen}
    """)
    with pytest.raises(LotSelectionInvalid):
        booked(trades=trades, currency="USD")


def test_a_specific_account_must_name_lots() -> None:
    trades = trades_of("2023-01-03 buy 1 1.00\n2023-01-04 sell 1 1.00", method="specific")
    with pytest.raises(LotSelectionInvalid):
        booked(trades=trades, currency="USD")


def test_selling_more_than_held_is_refused_and_says_what_is_held() -> None:
    trades = trades_of("2023-01-03 buy 10 100.00\n2023-01-04 sell 10.0000000001 100.00")
    with pytest.raises(InsufficientShares, match="Only 10 are held on 2023-01-04"):
        booked(trades=trades, currency="USD")


def test_thirds_of_a_share_leave_nothing_behind() -> None:
    outcome = booked(
        trades=trades_of("""
            2023-01-03 buy  0.3333333333 33.33
            2023-01-04 buy  0.3333333333 33.34
            2023-01-05 buy  0.3333333334 33.33
            2023-02-01 sell 0.5 50.01
            2023-02-02 sell 0.5 50.01
        """),
        currency="USD",
    )
    assert outcome.lots == ()
    assert sum(part.cost_basis for part in outcome.closings) == Decimal("100.00")
    assert sum(part.proceeds for part in outcome.closings) == Decimal("100.02")


def test_lots_of_one_instant_go_by_the_order_they_were_recorded() -> None:
    outcome = booked(
        trades=trades_of("""
            2023-01-03 buy  1 10.00
            2023-01-03 buy  1 20.00
            2023-01-03 sell 1 15.00
        """),
        currency="USD",
    )
    assert closings_text(outcome) == "3 from 1: 1 15.00 - 10.00 short"


def test_yen_have_no_decimals() -> None:
    outcome = booked(
        trades=trades_of("2023-01-03 buy 3 100\n2023-01-04 sell 1 50\n2023-01-05 sell 1 50"),
        currency="JPY",
    )
    assert [part.cost_basis for part in outcome.closings] == [Decimal(33), Decimal(34)]
    assert outcome.lots[0].cost_basis == Decimal(33)


@st.composite
def histories(draw: st.DrawFn) -> list[Trade]:
    """Buys and sales in time order, never selling more than held."""
    method = draw(st.sampled_from(["fifo", "lifo", "hifo"]))
    held, trades = Decimal(0), []
    for number in range(1, draw(st.integers(1, 25)) + 1):
        cents = Decimal(draw(st.integers(1, 10**7))) / 100
        when = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=30 * number)
        if held and draw(st.booleans()):
            part = draw(st.integers(1, 10**6))
            quantity = min(held, (held * part / 10**6).quantize(Decimal("1e-10")) or held)
            held -= quantity
            trades.append(Trade(number, "sell", quantity, cents, when, method))
        else:
            quantity = Decimal(draw(st.integers(1, 10**12))) / 10**6
            held += quantity
            trades.append(Trade(number, "buy", quantity, cents, when))
    return trades


@given(histories())
def test_quantity_proceeds_and_basis_are_conserved_to_the_cent(trades: list[Trade]) -> None:
    outcome = booked(trades=trades, currency="USD")
    bought = [trade for trade in trades if trade.side == "buy"]
    sold = [trade for trade in trades if trade.side == "sell"]
    assert sum(lot.quantity for lot in outcome.lots) == sum(t.quantity for t in bought) - sum(
        t.quantity for t in sold
    )
    assert sum(part.proceeds for part in outcome.closings) == sum(t.net for t in sold)
    assert sum(lot.cost_basis for lot in outcome.lots) + sum(
        part.cost_basis for part in outcome.closings
    ) == sum(t.net for t in bought)
    assert all(lot.quantity > 0 and lot.cost_basis >= 0 for lot in outcome.lots)


@given(histories(), st.integers(0, 25))
def test_booking_in_two_steps_is_booking_in_one(trades: list[Trade], cut: int) -> None:
    whole = booked(trades=trades, currency="USD")
    first = booked(trades=trades[:cut], currency="USD")
    second = booked(lots=first.lots, trades=trades[cut:], currency="USD")
    assert second.lots == whole.lots
    assert first.closings + second.closings == whole.closings
