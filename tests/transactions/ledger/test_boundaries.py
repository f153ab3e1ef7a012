"""Where a rule of the ledger begins and ends: the day, the instant, the cent and the tie."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from transactions.ledger.book import Book, Event
from transactions.ledger.fold import booked
from transactions.ledger.lots import Piece, Sale, closing_of, taken_from
from transactions.ledger.repeated_splits import Splits
from transactions.ledger.replacements import Purchases
from transactions.ledger.units import Scale
from transactions.ledger.wash_sales import Policy, WashSales
from transactions.ledger.wash_windows import clean_date, window_end, window_start

NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)


def washes(policy: Policy | None = None, *, exempt: frozenset[int] = frozenset()) -> WashSales:
    """Two assets of one group in one taxable account."""
    return WashSales(
        policy=policy or Policy(),
        groups={1: 1, 2: 1},
        exempt=exempt,
        taxable=frozenset({1}),
        ignored=frozenset(),
        convert=lambda minor, *_: minor,
    )


def piece(acquisition: int, *, opened_at: datetime = NOON, quantity: int = 1) -> Piece:
    return Piece(
        acquisition,
        (1, 1, f"order {acquisition}"),
        opened_at,
        opened_at.date(),
        quantity,
        100 * quantity,
        (1, 1),
    )


def test_a_window_has_thirty_days_on_each_side_and_the_next_day_is_clean() -> None:
    assert window_start(date(2025, 3, 3)) == date(2025, 2, 1)
    assert window_end(date(2025, 3, 3)) == date(2025, 4, 2)
    assert clean_date(date(2025, 3, 3)) == date(2025, 4, 3)


@pytest.mark.parametrize(("earlier_s", "may"), [(0, True), (1, False)])
def test_shares_of_the_instant_of_those_sold_are_not_earlier_ones(
    earlier_s: int, may: bool
) -> None:
    rules = washes(Policy(earlier_acquired_count=False))
    other = piece(2, opened_at=NOON - timedelta(seconds=earlier_s))
    assert rules.may_replace(other, piece(1)) is may


@pytest.mark.parametrize(("exempt", "matches"), [(frozenset({2}), 0), (frozenset(), 1)])
def test_a_purchase_of_an_exempt_asset_replaces_nothing(
    exempt: frozenset[int], matches: int
) -> None:
    rows = [("buy", 1, 0, "1000"), ("sell", 1, 10, "900"), ("buy", 2, 20, "950")]
    events = [
        Event(
            id=number,
            type=kind,
            account=1,
            asset=asset,
            at=NOON + timedelta(days=day),
            net=Decimal(net),
            quantity=Decimal(10),
            method="fifo",
        )
        for number, (kind, asset, day, net) in enumerate(rows, start=1)
    ]
    book = Book({1: "USD"}, washes(exempt=exempt))
    assert len(booked(book=book, events=events).wash_sales) == matches


@pytest.mark.parametrize("barred_through", [0, 300])
def test_purchases_replace_in_turn_however_many_are_spent_within_one_instant(
    barred_through: int,
) -> None:
    purchases = Purchases()
    for number in range(1, 701):
        purchases.add(piece(number, opened_at=NOON + timedelta(seconds=number)))
    sold = piece(0)
    sale = Sale(id=1, quantity=1, net=0, at=NOON + timedelta(days=1), method="fifo")
    closing = closing_of(piece=sold, sale=sale, proceeds=0, part=0)
    purchases.begin()
    taken = []
    for _ in range(600):
        found = next(
            purchases.replacing(
                closing,
                since=NOON.date(),
                counts=lambda row: row.acquisition % 7 != 1 or row.acquisition > barred_through,
                earlier_acquired_count=True,
            )
        )
        found.replaces_loss = True
        taken.append(found.acquisition)
    assert taken == [n for n in range(1, 701) if n % 7 != 1 or n > barred_through][:600]


def test_steps_are_rounded_to_their_rounded_sum_the_largest_remainder_first() -> None:
    last = Decimal(1).scaleb(-10)
    assert Scale(3).quantities([1, 2, 2]) == [0, last, last]


def test_half_a_cent_of_an_average_leaves_with_the_shares_sold() -> None:
    held = [replace(piece(1, quantity=2), basis=101)]
    sale = Sale(id=1, quantity=1, net=100, at=NOON + timedelta(days=1), method="average")
    assert [out.basis for out in taken_from(pieces=held, sale=sale)] == [51]
    assert [left.basis for left in held] == [50]


@pytest.mark.parametrize(
    ("days", "account", "first"), [(0, 2, False), (5, 2, False), (6, 2, True), (5, 1, True)]
)
def test_another_account_may_date_a_split_five_days_later(
    days: int, account: int, first: bool
) -> None:
    splits = Splits()
    splits.stated(asset=1, day=100, ratio=Fraction(2), account=1)
    stated = splits.stated(asset=1, day=100 + days, ratio=Fraction(2), account=account)
    assert stated[1] is first


@pytest.mark.parametrize(("ratio", "first"), [(Fraction(9, 5), False), (Fraction(8, 5), True)])
def test_ratios_a_fifth_apart_are_of_two_splits(ratio: Fraction, first: bool) -> None:
    splits = Splits()
    splits.stated(asset=1, day=100, ratio=Fraction(2), account=1)
    assert splits.stated(asset=1, day=101, ratio=ratio, account=2)[1] is first


def test_an_account_that_stated_a_split_later_may_state_another() -> None:
    splits = Splits()
    for day, account, first in [(100, 1, True), (101, 2, False), (102, 2, True)]:
        stated = splits.stated(asset=1, day=day, ratio=Fraction(2), account=account)
        assert stated[1] is first


def replacing(purchases: Purchases, accounts: set[int]) -> list[int]:
    """The purchases that may replace a loss of the next day, in turn."""
    sale = Sale(id=1, quantity=1, net=0, at=NOON + timedelta(days=1), method="fifo")
    closing = closing_of(piece=piece(0), sale=sale, proceeds=0, part=0)
    found = purchases.replacing(
        closing,
        since=NOON.date(),
        counts=lambda row: row.place[0] in accounts,
        earlier_acquired_count=True,
    )
    return [row.acquisition for row in found]


def three_in_account_1() -> Purchases:
    purchases = Purchases()
    for number in (1, 2, 3):
        purchases.add(piece(number, opened_at=NOON + timedelta(hours=number)))
    purchases.begin()
    assert replacing(purchases, {2}) == []
    return purchases


def test_an_earlier_purchase_added_within_an_instant_may_replace() -> None:
    purchases = three_in_account_1()
    purchases.add(replace(piece(4, opened_at=NOON), place=(2, 1)))
    assert replacing(purchases, {2}) == [4]


def test_purchases_that_did_not_count_at_one_instant_may_count_at_the_next() -> None:
    purchases = three_in_account_1()
    purchases.begin()
    assert replacing(purchases, {1}) == [1, 2, 3]


def trade(number: int, kind: str, day: float, net: str, **more: Any) -> Event:
    """A trade of ten shares in account 1, unless `more` says otherwise."""
    values = {"account": 1, "quantity": Decimal(10), "method": "fifo", **more}
    at = NOON + timedelta(days=day)
    return Event(id=number, type=kind, asset=1, at=at, net=Decimal(net), **values)


@pytest.mark.parametrize(("order_id", "matches"), [("first", 0), ("second", 1)])
def test_a_later_fill_of_the_order_that_was_sold_replaces_nothing(
    order_id: str, matches: int
) -> None:
    events = [
        trade(1, "buy", 0, "1000", order_id="first"),
        trade(2, "sell", 10, "900"),
        trade(3, "buy", 20, "950", order_id=order_id),
    ]
    book = Book({1: "USD"}, washes())
    assert len(booked(book=book, events=events).wash_sales) == matches


def test_of_shares_of_one_lot_held_equally_long_those_that_replaced_a_loss_go_first() -> None:
    """A loss of no days lengthens no holding period; a transfer and back keeps the order."""
    events = [
        trade(1, "buy", 0, "1000"),
        trade(2, "sell", 0.1, "900"),
        trade(3, "buy", 0.2, "1800", quantity=Decimal(20)),
        trade(4, "transfer_out", 1, "0", internal=True),
        trade(5, "transfer_in", 2, "0", account=2, source=4),
        trade(6, "transfer_out", 3, "0", account=2, internal=True),
        trade(7, "transfer_in", 4, "0", source=6),
    ]
    book = Book({1: "USD", 2: "USD"}, washes())
    held = booked(book=book, events=events).pieces[1, 1]
    assert [(part.replaces_loss, part.basis) for part in held] == [(True, 1000_00), (False, 900_00)]


def test_a_lot_too_small_for_a_share_of_a_spin_off_keeps_its_basis() -> None:
    child = {"new_asset": 2, "ratio": Fraction(1, 4), "basis_fraction": Fraction(1, 5)}
    events = [
        trade(1, "buy", 0, "0.10", quantity=Decimal("0.0000000001")),
        trade(2, "buy", 1, "1000"),
        trade(3, "spin_off", 2, "0", quantity=None, **child),
    ]
    book = Book({1: "USD"}, washes(), Scale(1))
    pieces = booked(book=book, events=events).pieces
    assert [(part.acquisition, part.basis) for part in pieces[1, 1]] == [(1, 10), (2, 800_00)]
    assert [(part.acquisition, part.basis) for part in pieces[1, 2]] == [(2, 200_00)]
