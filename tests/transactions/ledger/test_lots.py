"""Booking, as tables an accountant can read: trades in, lots and closings out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.ledger.book import Book, Event
from transactions.ledger.fold import booked as kept
from transactions.ledger.lots import Closing, InsufficientShares, LotSelectionInvalid, Piece
from transactions.ledger.units import Scale, amount, scale_of
from transactions.ledger.wash_sales import Policy, WashSales

RATES = {"min_tax": (Decimal("0.24"), Decimal("0.15"))}


@dataclass(frozen=True)
class Outcome:
    """What a book of one account and one asset holds and has closed."""

    lots: Sequence[Piece]
    closings: Sequence[Closing]
    scale: Scale
    currency: str

    def basis(self) -> list[Decimal]:
        return [amount(lot.basis, self.currency) for lot in self.lots]

    def quantities(self) -> list[Decimal]:
        return [self.scale.quantity(lot.quantity) for lot in self.lots]


def booked(
    *, events: Sequence[Event], currency: str = "USD", policy: Policy | None = None
) -> Outcome:
    """One taxable account, without wash sales unless a policy is given."""
    scale = scale_of({event.ratio for event in events if event.ratio is not None})
    washes = WashSales(
        policy or Policy(enabled=False),
        groups={},
        exempt=frozenset(),
        taxable=frozenset({1}),
        ignored=frozenset(),
        convert=lambda minor, one, other, day: minor,
    )
    book = Book({1: currency}, washes, scale)
    outcome = kept(book=book, events=events)
    return Outcome(outcome.pieces.get((1, 1), []), outcome.closings, scale, currency)


def _named(text: str) -> tuple[int, Decimal] | tuple[int, Decimal, int]:
    """A lot named for a sale, as a whole or by one of its pieces."""
    lot, _, figures = text.partition(":")
    quantity, _, piece = figures.partition("@")
    whole = (int(lot), Decimal(quantity))
    return (*whole, int(piece)) if piece else whole


def trades_of(text: str, *, method: str = "fifo") -> list[Event]:
    """Lines `date type quantity net [lot:quantity[@piece] ...]`; a split has its ratio.

    Events are numbered from 1.
    """
    events = []
    for number, line in enumerate(filter(str.strip, text.strip().splitlines()), start=1):
        day, kind, quantity, net, *chosen = line.split()
        parts = tuple(_named(part) for part in chosen)
        moves = kind not in ("split", "return_of_capital")
        events.append(
            Event(
                id=number,
                type=kind,
                account=1,
                asset=1,
                at=datetime.fromisoformat(day).replace(tzinfo=UTC),
                net=Decimal(net),
                quantity=Decimal(quantity) if moves else None,
                method=("specific" if parts else method) if kind != "buy" else "",
                chosen=parts,
                rates=RATES.get(method, (Decimal(0), Decimal(0))),
                ratio=Fraction(quantity) if kind == "split" else None,
                stated=Decimal(net),
            )
        )
    return events


def lots_text(outcome: Outcome) -> str:
    return "\n".join(
        f"{lot.acquisition} {quantity.normalize():f} {basis:f}"
        for lot, quantity, basis in zip(
            outcome.lots, outcome.quantities(), outcome.basis(), strict=True
        )
    )


def closings_text(outcome: Outcome) -> str:
    return "\n".join(
        f"{part.sale} from {part.acquisition}: "
        f"{outcome.scale.quantity(part.quantity).normalize():f} "
        f"{amount(part.proceeds, outcome.currency):f} - {amount(part.basis, outcome.currency):f} "
        f"{'long' if part.long_term else 'short'}"
        for part in outcome.closings
    )


def table(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


def test_of_sales_of_one_instant_the_one_that_fails_is_blamed() -> None:
    noon = datetime(2024, 3, 4, 12, tzinfo=UTC)
    rows = [("buy", 10, 5, -1), ("buy", 20, 5, -1), ("sell", 10, 5, 0), ("sell", 20, 6, 0)]
    events = [
        Event(
            id=number,
            type=kind,
            account=1,
            asset=asset,
            at=noon + timedelta(hours=hours),
            net=Decimal(50),
            quantity=Decimal(quantity),
            method="fifo" if kind == "sell" else "",
        )
        for number, (kind, asset, quantity, hours) in enumerate(rows, start=1)
    ]
    with pytest.raises(InsufficientShares) as refusal:
        booked(events=events)
    assert refusal.value.item == 4


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
            """4 from 2: 5 70.00 - 75.00 long
               4 from 3: 10 140.00 - 120.00 short""",
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
        (
            "average",
            """4 from 1: 10 140.00 - 123.33 long
               4 from 2: 5 70.00 - 61.67 long""",
            """2 5 61.67
               3 10 123.33""",
        ),
        (
            "min_tax",
            """4 from 2: 10 140.00 - 150.00 long
               4 from 3: 5 70.00 - 60.00 short""",
            """1 10 100.00
               3 5 60.00""",
        ),
    ],
)
def test_each_method_takes_lots_in_its_own_order(method: str, closings: str, lots: str) -> None:
    outcome = booked(events=trades_of(LADDER, method=method), currency="USD")
    assert closings_text(outcome) == table(closings)
    assert lots_text(outcome) == table(lots)


def test_specific_lots_are_sold_as_named() -> None:
    outcome = booked(
        events=trades_of("""
            2023-01-03 buy  10 100.00
            2023-06-01 buy  10 150.00
            2024-06-03 sell  6  90.00 2:4 1:2
        """),
        currency="USD",
    )
    assert closings_text(outcome) == table("""
        3 from 1: 2 30.00 - 20.00 long
        3 from 2: 4 60.00 - 60.00 long
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
        booked(events=trades, currency="USD")


def divided(sale: str) -> Outcome:
    """A sale out of a lot of 20 of which 10 replaced a loss of 50: 10 of 130, then 10 of 80."""
    text = f"""
        2023-01-03 buy  10 100.00
        2023-03-01 sell 10  50.00
        2023-03-10 buy  20 160.00
        {sale}
    """
    return booked(events=trades_of(text), policy=Policy())


@pytest.mark.parametrize(
    ("chosen", "bases"),
    [
        ("3:12", ["130.00", "16.00"]),
        ("3:12@0", ["130.00", "16.00"]),  # what piece 0 lacks comes from the rest of its lot
        ("3:4@0 3:8@1", ["52.00", "64.00"]),
        ("3:8@1 3:4@0", ["52.00", "64.00"]),
        ("3:10@1 3:2@0", ["26.00", "80.00"]),
        ("3:10@1 3:2@7", ["26.00", "80.00"]),
    ],
)
def test_the_pieces_of_a_lot_are_sold_as_named(chosen: str, bases: list[str]) -> None:
    outcome = divided(f"2023-07-01 sell 12 120.00 {chosen}")
    sold = [part for part in outcome.closings if part.sale == 4]
    assert [str(amount(part.basis, "USD")) for part in sold] == bases
    left = sum(outcome.basis()) + sum(amount(part.basis, "USD") for part in sold)
    assert left == Decimal("210.00")


@pytest.mark.parametrize("chosen", ["3:6@1 3:6@1", "3:6 3:6@1", "3:6@0 3:6 1:0", "3:21@0", "3:0@0"])
def test_pieces_are_named_once_and_hold_enough(chosen: str) -> None:
    with pytest.raises(LotSelectionInvalid):
        divided(f"2023-07-01 sell 12 120.00 {chosen}")


def test_a_specific_account_must_name_lots() -> None:
    trades = trades_of("2023-01-03 buy 1 1.00\n2023-01-04 sell 1 1.00", method="specific")
    with pytest.raises(LotSelectionInvalid):
        booked(events=trades, currency="USD")


def test_selling_more_than_held_is_refused_and_says_what_is_held() -> None:
    trades = trades_of("2023-01-03 buy 10 100.00\n2023-01-04 sell 10.0000000001 100.00")
    with pytest.raises(InsufficientShares, match="Only 10 shares are held on 2023-01-04"):
        booked(events=trades, currency="USD")


def test_thirds_of_a_share_leave_nothing_behind() -> None:
    outcome = booked(
        events=trades_of("""
            2023-01-03 buy  0.3333333333 33.33
            2023-01-04 buy  0.3333333333 33.34
            2023-01-05 buy  0.3333333334 33.33
            2023-02-01 sell 0.5 50.01
            2023-02-02 sell 0.5 50.01
        """),
    )
    assert outcome.lots == []
    assert sum(part.basis for part in outcome.closings) == 10000
    assert sum(part.proceeds for part in outcome.closings) == 10002


def test_a_reverse_split_and_the_split_back_are_exact() -> None:
    outcome = booked(
        events=trades_of("""
            2023-01-03 buy   10 100.00
            2023-02-03 split 1/3 0
            2023-03-03 split 3   0
            2023-04-03 sell  10 120.00
        """),
    )
    assert outcome.lots == []
    assert closings_text(outcome) == "4 from 1: 10 120.00 - 100.00 short"


def test_what_is_shown_of_a_third_can_be_sold_to_the_end() -> None:
    outcome = booked(
        events=trades_of("""
            2023-01-03 buy   10 100.00
            2023-02-03 split 1/3 0
            2023-04-03 sell  3.3333333333 120.00
        """),
    )
    assert outcome.lots == []
    assert outcome.closings[0].basis == 10000


def test_minimum_tax_prefers_a_long_gain_to_a_smaller_short_one() -> None:
    outcome = booked(
        events=trades_of(
            """
            2022-01-03 buy  10 100.00
            2023-12-01 buy  10 130.00
            2024-06-03 sell 10 200.00
            """,
            method="min_tax",
        ),
    )
    # Long: 100.00 at 15 % = 15.00; short: 70.00 at 24 % = 16.80.
    assert closings_text(outcome) == "3 from 1: 10 200.00 - 100.00 long"


def test_lots_of_one_instant_do_not_depend_on_which_was_recorded_first() -> None:
    lines = ["2023-01-03 buy  1 10.00", "2023-01-03 buy  1 20.00", "2023-01-03 sell 1 15.00"]
    for order in ([0, 1, 2], [1, 0, 2], [2, 1, 0]):
        outcome = booked(events=trades_of("\n".join(lines[index] for index in order)))
        assert closings_text(outcome).endswith("1 15.00 - 10.00 short")


@pytest.mark.parametrize(("order", "named"), [([0, 1, 2, 3], 4), ([0, 1, 3, 2], 3)])
def test_named_lots_leave_before_a_method_chooses_at_the_same_instant(
    order: list[int], named: int
) -> None:
    """First in, first out would take the older lot, which the other sale names."""
    lines = [
        "2023-01-03 buy  10 100.00",
        "2023-06-01 buy  10 150.00",
        "2024-06-03 sell  5  90.00",
        "2024-06-03 sell 10 180.00 1:10",
    ]
    outcome = booked(events=trades_of("\n".join(lines[index] for index in order)))
    assert {(part.sale == named, part.acquisition, part.basis) for part in outcome.closings} == {
        (True, 1, 100_00),
        (False, 2, 75_00),
    }


def test_yen_have_no_decimals() -> None:
    outcome = booked(
        events=trades_of("2023-01-03 buy 3 100\n2023-01-04 sell 1 50\n2023-01-05 sell 1 50"),
        currency="JPY",
    )
    assert [part.basis for part in outcome.closings] == [33, 34]
    assert outcome.basis() == [Decimal(33)]


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Buys and sales in time order, never selling more than held."""
    method = draw(st.sampled_from(["fifo", "lifo", "hifo", "average", "min_tax"]))
    held, events = Decimal(0), []
    for number in range(1, draw(st.integers(1, 25)) + 1):
        cents = Decimal(draw(st.integers(1, 10**7))) / 100
        when = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=20 * number)
        kind, quantity = "buy", Decimal(draw(st.integers(1, 10**12))) / 10**6
        if held and draw(st.booleans()):
            part = draw(st.integers(1, 10**6))
            kind = "sell"
            quantity = min(held, (held * part / 10**6).quantize(Decimal("1e-10")) or held)
        held += quantity if kind == "buy" else -quantity
        events.append(
            Event(
                id=number,
                type=kind,
                account=1,
                asset=1,
                at=when,
                net=cents,
                quantity=quantity,
                method=method if kind == "sell" else "",
                rates=RATES.get(method, (Decimal(0), Decimal(0))),
            )
        )
    return events


@given(histories(), st.booleans())
def test_quantity_proceeds_and_basis_are_conserved_to_the_cent(
    events: list[Event], washed: bool
) -> None:
    outcome = booked(events=events, policy=Policy(enabled=washed))
    bought = [event for event in events if event.type == "buy"]
    sold = [event for event in events if event.type == "sell"]

    def total(rows: Sequence[Event], name: str) -> Decimal:
        return sum((getattr(row, name) for row in rows), Decimal(0))

    assert sum(outcome.quantities()) == total(bought, "quantity") - total(sold, "quantity")
    assert sum(part.proceeds for part in outcome.closings) == total(sold, "net") * 100
    moved = sum(part.deferred for part in outcome.closings)
    assert (
        sum(lot.basis for lot in outcome.lots) + sum(part.basis for part in outcome.closings)
        == total(bought, "net") * 100 + moved
    )
    assert all(lot.quantity > 0 and lot.basis >= 0 for lot in outcome.lots)
    if not washed:
        assert not moved


def by_lot(outcome: Outcome) -> Mapping[tuple[int, date], tuple[int, int]]:
    return {(lot.acquisition, lot.held_since): (lot.quantity, lot.basis) for lot in outcome.lots}


@given(histories(), st.randoms())
def test_the_order_in_which_trades_are_given_does_not_matter(
    events: list[Event], random: object
) -> None:
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one = booked(events=events, policy=Policy())
    other = booked(events=shuffled, policy=Policy())
    assert by_lot(one) == by_lot(other)
    assert [part.deferred for part in one.closings] == [part.deferred for part in other.closings]
