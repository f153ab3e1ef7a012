"""What holds for every corporate action: nothing is lost, and one event is one event."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from fractions import Fraction
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketdata.corporate_actions import Terms, same_action
from marketdata.models import CorporateAction
from tests.effort import examples
from tests.transactions.actions.conftest import Ledgers, follow
from transactions.ledger.book import Book, Event
from transactions.ledger.entries import Entry, amounts, ratio_of
from transactions.ledger.fold import booked
from transactions.ledger.lots import Closing, Piece
from transactions.ledger.security_events import Units, entries_of
from transactions.ledger.units import scale_of
from transactions.ledger.wash_sales import Policy, WashSales

OLD, NEW = 1, 2
EX = date(2024, 6, 10)
SYMBOLS = {"OLD": OLD, "NEW": NEW}

lots = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 1_000_000)), min_size=1, max_size=5)
terms_of_ratio = st.tuples(st.integers(1, 40), st.integers(1, 40)).filter(
    lambda two: two[0] != two[1]
)
prices = st.decimals(D("0.01"), D(500), places=2)


def event_of(entry: Entry, number: int) -> Event:
    """Return the event that the ledger makes of an entry in dollars."""
    figures = amounts(entry=entry, fx_rate=D(1), account_currency="USD")
    ratio = figures.ratio
    return Event(
        id=number,
        type=entry.type,
        account=1,
        asset=SYMBOLS[str(entry.symbol)],
        at=entry.executed_at,
        net=figures.cash_effect,
        quantity=figures.quantity,
        method="fifo",
        new_asset=SYMBOLS[entry.new_symbol] if entry.new_symbol else None,
        ratio=Fraction(ratio.new) / Fraction(ratio.old) if ratio else None,
        basis_fraction=Fraction(entry.basis_percentage or 0) / 100,
        unit_value=figures.price if entry.type == "merger" else None,
    )


def after(bought: list[tuple[int, int]], terms: Terms) -> tuple[list[Piece], list[Closing], D]:
    """Book purchases (tenths of a unit, cents) and an action: pieces, closings and its cash."""
    purchases = [
        Event(
            id=number,
            type="buy",
            account=1,
            asset=OLD,
            at=datetime(2023, 1, 2, tzinfo=UTC) + timedelta(days=number),
            net=D(cents) / 100,
            quantity=D(tenths) / 10,
        )
        for number, (tenths, cents) in enumerate(bought, 1)
    ]
    held = sum(Fraction(tenths, 10) for tenths, _ in bought)
    entries = entries_of(terms, Units(Fraction(held), Fraction(held)))
    events = [event_of(entry, 100 + number) for number, entry in enumerate(entries)]
    washes = WashSales(
        Policy(),
        {OLD: OLD, NEW: NEW},
        frozenset(),
        frozenset({1}),
        frozenset(),
        lambda one, *_: one,
    )
    ratios = {event.ratio for event in events if event.ratio is not None}
    book = Book({1: "USD"}, washes, scale_of(ratios))
    done = booked(book=book, events=[*purchases, *events])
    pieces = [piece for place in done.pieces.values() for piece in place]
    return pieces, list(done.closings), sum((event.net for event in events), D(0))


def terms(kind: str, two: tuple[int, int], **more: Any) -> Terms:
    new = "NEW" if kind in ("spin_off", "rights_issue", "merger") else None
    return Terms(
        kind=kind,
        symbol="OLD",
        ex_date=EX,
        currency="USD",
        new_symbol=new,
        ratio_new=D(two[0]),
        ratio_old=D(two[1]),
        **more,
    )


@given(
    bought=lots,
    kind=st.sampled_from(["split", "stock_dividend", "spin_off", "rights_issue", "merger"]),
    two=terms_of_ratio,
    price=st.none() | prices,
    percentage=st.decimals(0, 100, places=4),
)
def test_every_cent_of_basis_is_kept_or_closed_and_all_cash_is_proceeds(
    bought: list[tuple[int, int]],
    kind: str,
    two: tuple[int, int],
    price: D | None,
    percentage: D,
) -> None:
    more: dict[str, Any] = {"cash_in_lieu_price": price}
    if kind in ("spin_off", "rights_issue"):
        more["basis_percentage"] = percentage
    pieces, closings, cash = after(bought, terms(kind, two, **more))
    kept = sum(piece.basis for piece in pieces) + sum(closing.basis for closing in closings)
    assert kept == sum(cents for _, cents in bought)
    assert sum(closing.proceeds for closing in closings) == cash * 100
    assert sum(closing.quantity for closing in closings) >= 0
    assert {piece.opened_at.year for piece in pieces} <= {2023}


@given(bought=lots, two=terms_of_ratio, boot=prices, value=prices)
def test_cash_beside_shares_recognizes_no_loss_and_no_more_gain_than_cash(
    bought: list[tuple[int, int]], two: tuple[int, int], boot: D, value: D
) -> None:
    """IRC 356(a) and (c), lot by lot; basis new = old - cash + recognized gain (IRC 358)."""
    stated = terms("merger", two, cash_per_share=boot, new_share_value=value)
    pieces, closings, cash = after(bought, stated)
    basis = dict(enumerate((cents for _, cents in bought), 1))
    for closing in closings:
        gain = closing.proceeds - closing.basis
        assert 0 <= gain <= closing.proceeds
        new = sum(piece.basis for piece in pieces if piece.acquisition == closing.acquisition)
        assert new == basis[closing.acquisition] - closing.proceeds + gain
    assert sum(closing.proceeds for closing in closings) == cash * 100


@given(
    two=terms_of_ratio,
    days=st.integers(-5, 5),
    off=st.fractions(Fraction(81, 100), Fraction(119, 100)),
)
def test_a_report_a_few_days_off_from_rounded_units_is_the_same_action(
    two: tuple[int, int], days: int, off: Fraction
) -> None:
    one = terms("split", two)
    ratio = Fraction(two[0], two[1]) * off
    other = Terms(
        kind="split",
        symbol="OLD",
        ex_date=EX + timedelta(days=days),
        currency="USD",
        ratio_new=D(ratio.numerator),
        ratio_old=D(ratio.denominator),
    )
    assert same_action(other, one)
    assert not same_action(
        Terms(
            kind="split",
            symbol="OLD",
            ex_date=EX + timedelta(days=6),
            currency="USD",
            ratio_new=D(two[0]),
            ratio_old=D(two[1]),
        ),
        one,
    )


@contextmanager
def undone() -> Iterator[None]:
    """Undo everything that is written inside."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# Of each account: its shares, and how it tells a 3:2 split, if at all.
TELLINGS = st.none() | st.tuples(st.integers(-5, 5), st.sampled_from(["3:2", "1.5", "1.48", "1.6"]))


@pytest.mark.django_db
@settings(max_examples=examples(12), suppress_health_check=list(HealthCheck), deadline=None)
@given(
    accounts=st.lists(st.tuples(st.integers(1, 90), TELLINGS), min_size=1, max_size=4),
    order=st.randoms(use_true_random=False),
)
def test_whoever_tells_it_and_in_whatever_order_it_is_one_split(
    people: Any, assets: Any, accounts: list[tuple[int, Any]], order: Any
) -> None:
    """Each account has the units that its broker states, else those of the action; once."""
    with undone():
        ledgers = Ledgers(people)
        rows = []
        for number, (shares, telling) in enumerate(accounts):
            owner = people.owner if number % 2 else people.spouse
            rows.append((ledgers.account(owner, f"A{number}"), shares, telling))
        order.shuffle(rows)
        for account, shares, _ in rows:
            ledgers.trade(account, "buy", "2024-03-01", str(shares), str(100 * shares))
        order.shuffle(rows)
        for account, _, telling in rows:
            if telling is not None:
                day = (EX + timedelta(days=telling[0])).isoformat()
                ledgers.split(account, day, telling[1])
        action = CorporateAction.objects.create(
            asset=assets["AAA"],
            kind="split",
            ex_date=EX,
            ratio_new=3,
            ratio_old=2,
            currency="USD",
            source="operator",
            proposed_by=people.operator,
            proposed_at=timezone.now(),
            state="confirmed",
            confirmed_by=people.operator,
            confirmed_at=timezone.now(),
        )
        assert all(follow(action))
        type(action).objects.update(listed_at=None)
        assert follow(action) == []
        for account, shares, telling in rows:
            stated = ratio_of(telling[1] if telling else "3:2")
            ratio = Fraction(stated.new) / Fraction(stated.old)
            ((_, units, basis),) = ledgers.lots(account)
            assert abs(Fraction(units) - shares * ratio) <= Fraction(1, 10**10)
            assert basis == 100 * shares
            assert len(ledgers.told(account)) == 1
        ledgers.ensure_right()


def test_the_day_of_booking_follows_the_kind() -> None:
    assert terms("split", (2, 1)).booked_on == EX
    worthless = Terms(kind="delisting", symbol="OLD", ex_date=EX, currency="USD")
    assert worthless.booked_on == date(2024, 12, 31)
