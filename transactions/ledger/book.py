"""The book of a household: its events, and its state of lots and losses between two events.

Pure: no clock, no I/O. `Event` is frozen. `Book` is the only mutable state of the fold and has one
owner. Book and WashSales call each other; `platform/decisions/ledger.md` has the drawing.
"""

from bisect import bisect_right, insort_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from core.errors import BallastError, Conflict
from transactions.ledger.kinds import KINDS, rank
from transactions.ledger.lots import (
    Chosen,
    Closing,
    Piece,
    Place,
    Sale,
    closing_of,
    taken_from,
    turn,
)
from transactions.ledger.repeated_splits import Splits
from transactions.ledger.replacements import Purchases
from transactions.ledger.units import Scale, cents, share, spread
from transactions.ledger.wash_sales import WashSales

RATE_SCALE = 10**10


class NothingHeld(Conflict):
    """The account did not hold the asset at the time of the event."""

    status = 400
    code = "nothing_held"


@dataclass(frozen=True, slots=True)
class Event:
    """One transaction in the form the book needs; money is in the account's currency.

    `net`: the cost of an acquisition with its fee, or the cash from a disposal or another event.
    `unit_value`: the value of one new share in a merger with boot.
    """

    id: int
    type: str
    account: int
    asset: int
    at: datetime
    net: Decimal = Decimal(0)
    quantity: Decimal | None = None
    method: str = ""
    # Lots named for a sale, each with its quantity and, if named, the number of a piece.
    chosen: tuple[tuple[int, Decimal] | tuple[int, Decimal, int], ...] = ()
    rates: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))
    order_id: str = ""
    new_asset: int | None = None
    ratio: Fraction | None = None
    basis_fraction: Fraction = Fraction(0)
    unit_value: Decimal | None = None
    opened_date: date | None = None
    # For a transfer in: the transfer out whose lots it takes. For a transfer out: if it is taken.
    source: int | None = None
    internal: bool = False
    # The acquisition, elsewhere and at its own instant, of shares that a transfer in brings later.
    elsewhere: bool = False
    # Amount and fee as stated, which order the events of one instant.
    stated: Decimal = Decimal(0)

    # What the kind of an event requires, and `entries` has therefore refused to record without it.

    @property
    def units(self) -> Decimal:
        """Return the quantity of an event of a kind that states one."""
        assert self.quantity is not None, f"a {self.type} states a quantity"
        return self.quantity

    @property
    def multiple(self) -> Fraction:
        """Return the ratio, new for old, of an event of a kind that states one."""
        assert self.ratio is not None, f"a {self.type} has a ratio"
        return self.ratio

    @property
    def successor(self) -> int:
        """Return the asset that an event of a kind that leads to another one leads to."""
        assert self.new_asset is not None, f"a {self.type} leads to another asset"
        return self.new_asset

    @property
    def order(self) -> tuple[object, ...]:
        """The sort key of the event; only its last tie-break depends on the order of recording.

        Shares named for a sale leave before those that a method chooses at the same instant.
        """
        own = self.source is not None or self.internal
        return (
            self.at,
            rank(type=self.type, own=own),
            self.id if own else 0,
            self.account,
            self.asset,
            KINDS[self.type].turn,
            not self.chosen,
            self.quantity or Decimal(0),
            self.stated,
            self.id,
        )


@dataclass(slots=True)
class Leaving:
    """A piece that a sale has chosen and not yet closed, with its part of the proceeds."""

    sale: Sale
    piece: Piece
    proceeds: int
    # The parts cut off because they replaced a loss; they are closed before it.
    cut_off: list["Leaving"] = field(default_factory=list)


@dataclass(slots=True)
class Book:
    """The state of the fold. Mutable: `booked` changes it, and its creator is its only owner.

    Discard it after a refusal and never share it: a second outcome needs a second book.
    """

    # By account.
    currencies: Mapping[int, str]
    washes: WashSales
    scale: Scale = field(default_factory=Scale)
    pieces: dict[Place, list[Piece]] = field(default_factory=dict)
    closings: list[Closing] = field(default_factory=list)
    # Lots in transfer from one account to another, by the transfer out.
    under_way: dict[int, list[Piece]] = field(default_factory=dict)
    # Shares held elsewhere, outside the household's accounts, by the transfer in that brings them.
    elsewhere: dict[int, list[Piece]] = field(default_factory=dict)
    # The shares that left a place last, and when.
    left: dict[Place, tuple[datetime, list[Piece]]] = field(default_factory=dict)
    # Pieces being sold at this instant, by the identity of the piece.
    leaving: dict[int, Leaving] = field(default_factory=dict)
    # Purchases that may replace a loss, by substantially identical group.
    purchases: dict[int, Purchases] = field(default_factory=dict)
    splits: Splits = field(default_factory=Splits)

    def another(self) -> "Book":
        """Return an empty book of the same household."""
        return Book(self.currencies, self.washes.another(), self.scale)

    def at(self, place: Place) -> list[Piece]:
        return self.pieces.setdefault(place, [])

    def held(self, event: Event) -> list[Piece]:
        """Return the pieces an event concerns; raise NothingHeld if there are none."""
        pieces = self.at((event.account, event.asset))
        if not pieces:
            raise NothingHeld(
                f"None of this asset is held on {event.at.date()}. Record its purchase first, "
                "or correct the date.",
                fields={"executed_at": ["is a time at which nothing was held"]},
            )
        return pieces

    def put(self, place: Place, pieces: Sequence[Piece]) -> None:
        """Add pieces to a place, which stays ordered by age."""
        there = self.at(place)
        for piece in pieces:
            piece.place = place
            if piece.purchase and not piece.replaces_loss and not piece.listed:
                self._list(piece)
        if len(pieces) == 1:
            if there and there[-1].age > pieces[0].age:
                insort_right(there, pieces[0], key=lambda kept: kept.age)
            else:
                there += pieces
            return
        in_order = _by_age([*there[-1:], *pieces])
        there += pieces
        if not in_order:
            there.sort(key=lambda kept: kept.age)

    def hold_elsewhere(self, arrival: int, piece: Piece) -> None:
        """Keep shares that the household owns and a transfer in will bring."""
        self.elsewhere[arrival] = [piece]
        self._list(piece)

    def leave(self, place: Place, at: datetime, pieces: Sequence[Piece]) -> None:
        """Remember the shares that left a place last: cash for them may still come."""
        since, before = self.left.get(place, (at, []))
        self.left[place] = (at, [*(before if since == at else []), *pieces])

    def _list(self, piece: Piece) -> None:
        group = self.washes.group(piece.place[1])
        piece.listed = True
        self.purchases.setdefault(group, Purchases()).add(piece)

    def matched(self, piece: Piece, quantity: int) -> Piece:
        """Cut off the shares that replace a loss, in place, and put them before the rest."""
        leaving = self.leaving.get(id(piece))
        if leaving is not None:
            proceeds = share(leaving.proceeds, quantity, piece.quantity)
            taken = piece.cut(quantity)
            leaving.proceeds -= proceeds
            leaving.cut_off.append(Leaving(leaving.sale, taken, proceeds))
            return taken
        aside = (*self.under_way.values(), *self.elsewhere.values())
        for there in (self.pieces.get(piece.place, []), *aside):
            index = _index(there, piece)
            if index is not None:
                taken = piece.cut(quantity)
                there.insert(index, taken)
                return taken
        raise AssertionError("a piece lies somewhere")

    def aged(self, piece: Piece) -> None:
        """Move a piece to its place among the pieces of its lot: the longest held goes first."""
        there = self.pieces.get(piece.place, [])
        index = _index(there, piece)
        if not index or there[index - 1].age <= piece.age:
            return
        del there[index]
        there.insert(bisect_right(there, piece.age, hi=index, key=lambda kept: kept.age), piece)

    def replacing(self, closing: Closing, *, since: date) -> Iterator[Piece]:
        """Yield shares bought since `since` that may replace the shares of `closing`.

        They are held, in transfer, or about to be sold by another sale of the same instant.
        """
        bought = self.purchases.get(self.washes.group(closing.place[1]))
        if bought is None:
            return iter(())
        return bought.replacing(
            closing,
            since=since,
            counts=self.washes.counts,
            earlier_acquired_count=self.washes.policy.earlier_acquired_count,
        )

    def close(
        self, sales: Sequence[tuple[Place, Sale]], *, among: list[Piece] | None = None
    ) -> None:
        """Close the shares sold at one instant; losses follow the purchase order of the shares.

        `among`: the pieces of the place, sorted by age, of which the one sale takes its shares.

        Every sale chooses its lots first. Shares that one sale is about to sell may still replace
        those another sold at a loss (Treas. Reg. 1.1091-1(b)). Shares of one sale never replace
        each other. A refusal carries the id of the sale that failed as `item`.
        """
        for bought in self.purchases.values():
            bought.begin()
        order: list[Leaving] = []
        for place, sale in sales:
            try:
                there = self.at(place)
                out = taken_from(pieces=there if among is None else among, sale=sale)
                if among is not None:
                    gone = {id(piece) for piece in out}
                    there[:] = [piece for piece in there if id(piece) not in gone]
            except BallastError as fault:
                fault.item = sale.id
                raise
            proceeds = spread(sale.net, [piece.quantity for piece in out])
            for piece, part in zip(out, proceeds, strict=True):
                order.append(Leaving(sale, piece, part))
                piece.leaving, piece.turn = sale.id, len(order)
                if len(sales) > 1 and not piece.listed and piece.purchase:
                    self._list(piece)
        order.sort(key=lambda row: turn(row.piece, proceeds=row.proceeds, sale=row.sale.id, part=0))
        self.leaving = {id(row.piece): row for row in order}
        parts: dict[int, int] = {}
        for chosen in order:
            del self.leaving[id(chosen.piece)]
            for row in (*chosen.cut_off, chosen):
                part = parts.get(row.sale.id, 0)
                parts[row.sale.id] = part + 1
                row.piece.gone = True
                self.leave(row.piece.place, row.sale.at, [row.piece])
                closing = closing_of(
                    piece=row.piece, sale=row.sale, proceeds=row.proceeds, part=part
                )
                self.closings.append(closing)
                try:
                    self.washes.sold(closing, self)
                except BallastError as fault:
                    fault.item = row.sale.id
                    raise

    def sale(self, event: Event, *, quantity: int, net: int) -> Sale:
        return Sale(
            event.id,
            quantity,
            net,
            event.at,
            event.method,
            tuple(
                Chosen(lot, self.scale.steps(part), *piece) for lot, part, *piece in event.chosen
            ),
            (int(event.rates[0] * RATE_SCALE), int(event.rates[1] * RATE_SCALE)),
            self.scale,
        )

    def cents(self, event: Event) -> int:
        return cents(event.net, self.currencies[event.account])


def _by_age(pieces: Sequence[Piece]) -> bool:
    return all(one.age <= other.age for one, other in pairwise(pieces))


def _index(pieces: Sequence[Piece], piece: Piece) -> int | None:
    """Return the index of a piece among pieces ordered by age.

    Among the pieces of a lot, those that replaced nothing come last and are searched most often.
    """
    lot = piece.lot
    for index in range(bisect_right(pieces, lot, key=lambda kept: kept.lot) - 1, -1, -1):
        if pieces[index] is piece:
            return index
        if pieces[index].lot != lot:
            break
    return None


def purchase_key(*, account: int, asset: int, at: datetime, order_id: str) -> tuple[object, ...]:
    """Return the key that fills of one purchase share: the order, else the instant; per account."""
    return (account, asset, order_id or at)
