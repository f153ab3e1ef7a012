"""The book of a household: the events it is kept from and the state in between. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from core.errors import BallastError, Conflict
from transactions.ledger.lots import Chosen, Closing, Piece, Place, Sale, closing_of, taken_from
from transactions.ledger.splits import Splits
from transactions.ledger.units import Scale, cents, share, spread
from transactions.ledger.wash_sales import WashSales

_RANKS = {
    "split": 0,
    "spin_off": 0,
    "merger": 0,
    "symbol_change": 0,
    "return_of_capital": 0,
    "buy": 1,
    "reinvestment": 1,
    "transfer_in": 1,
    "sell": 3,
    "transfer_out": 4,
}
RATE_SCALE = 10**10


class NothingHeld(Conflict):
    """An event of an asset that the account did not hold at that moment."""

    status = 400
    code = "nothing_held"


@dataclass(frozen=True, slots=True)
class Event:
    """One transaction as the book sees it; money in the account's currency.

    `net`: what an acquisition cost with its fee, or what a disposal or an event brought in cash.
    `unit_value`: what one new share of a merger with boot was worth.
    """

    id: int
    type: str
    account: int
    asset: int
    at: datetime
    net: Decimal = Decimal(0)
    quantity: Decimal | None = None
    method: str = ""
    chosen: tuple[tuple[int, Decimal], ...] = ()
    rates: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))
    order_id: str = ""
    new_asset: int | None = None
    ratio: Fraction | None = None
    basis_fraction: Fraction = Fraction(0)
    unit_value: Decimal | None = None
    opened_date: date | None = None
    # The transfer out a transfer in takes its lots from; whether a transfer out is so taken.
    source: int | None = None
    internal: bool = False
    # Amount and fee as stated, which tell apart what happened at one instant.
    stated: Decimal = Decimal(0)

    @property
    def order(self) -> tuple[object, ...]:
        """Where the event goes; nothing in it depends on who recorded first, but the last tie."""
        rank = 2 if self.source is not None or self.internal else _RANKS[self.type]
        return (
            self.at,
            rank,
            self.id if rank == 2 else 0,
            self.account,
            self.asset,
            self.quantity or Decimal(0),
            self.stated,
            self.id,
        )


@dataclass(slots=True)
class Leaving:
    """A piece that a sale has chosen and not yet closed, with its part of what was paid."""

    sale: Sale
    piece: Piece
    proceeds: int


@dataclass(slots=True)
class Book:
    """The state of the fold; `currencies` by account. Made by the caller, changed in place."""

    currencies: Mapping[int, str]
    washes: WashSales
    scale: Scale = field(default_factory=Scale)
    pieces: dict[Place, list[Piece]] = field(default_factory=dict)
    closings: list[Closing] = field(default_factory=list)
    # Lots on their way from one account to another, by the transfer out.
    under_way: dict[int, list[Piece]] = field(default_factory=dict)
    # What is being sold at this instant.
    leaving: list["Leaving"] = field(default_factory=list)
    # Where shares of a substantially identical group have lain.
    places: dict[int, set[Place]] = field(default_factory=dict)
    splits: Splits = field(default_factory=Splits)

    def at(self, place: Place) -> list[Piece]:
        if place not in self.pieces:
            self.pieces[place] = []
            self.places.setdefault(self.washes.group(place[1]), set()).add(place)
        return self.pieces[place]

    def held(self, event: Event) -> list[Piece]:
        """The pieces an event is about; raises NothingHeld."""
        pieces = self.at((event.account, event.asset))
        if not pieces:
            raise NothingHeld(
                f"Nothing of it was held on {event.at.date()}.",
                fields={"executed_at": ["nothing was held then"]},
            )
        return pieces

    def put(self, place: Place, pieces: Iterable[Piece]) -> None:
        """Adds pieces to a place and keeps it by age."""
        there = self.at(place)
        for piece in pieces:
            piece.place = place
            in_order = not there or there[-1].age <= piece.age
            there.append(piece)
            if not in_order:
                there.sort(key=lambda kept: kept.age)

    def matched(self, piece: Piece, quantity: int) -> Piece:
        """Cuts off what replaces a loss, where the piece lies, and puts it before what is left."""
        for leaving in self.leaving:
            if leaving.piece is piece:
                return self._cut_leaving(leaving, quantity)
        taken = piece.cut(quantity)
        for there in (self.pieces.get(piece.place, []), *self.under_way.values()):
            index = _index(there, piece)
            if index is not None:
                there.insert(index, taken)
                return taken
        raise AssertionError("a piece lies somewhere")

    def _cut_leaving(self, leaving: "Leaving", quantity: int) -> Piece:
        proceeds = share(leaving.proceeds, quantity, leaving.piece.quantity)
        taken = leaving.piece.cut(quantity)
        leaving.proceeds -= proceeds
        index = next(i for i, row in enumerate(self.leaving) if row is leaving)
        self.leaving.insert(index, Leaving(leaving.sale, taken, proceeds))
        return taken

    def aged(self, piece: Piece) -> None:
        """Moves a piece to its place among the pieces of its lot: held longest goes first."""
        there = self.pieces.get(piece.place, [])
        index = _index(there, piece)
        while index and there[index - 1].age > piece.age:
            there[index - 1], there[index] = there[index], there[index - 1]
            index -= 1

    def bought_since(self, day: date, *, group: int, but_of: int) -> list[Piece]:
        """What was bought since `day` and is held, under way, or sold later at this instant."""
        found = []
        for place in self.places.get(group, ()):
            for piece in reversed(self.pieces[place]):
                if piece.opened_at.date() < day:
                    break
                found.append(piece)
        elsewhere = [piece for moving in self.under_way.values() for piece in moving]
        elsewhere += [row.piece for row in self.leaving if row.sale.id != but_of]
        found += [
            piece
            for piece in elsewhere
            if piece.opened_at.date() >= day and self.washes.group(piece.place[1]) == group
        ]
        # One purchase may lie in several accounts: the account that bought goes before.
        found.sort(key=lambda row: (row.opened_at, row.purchase_key[:2], *row.age[1:], row.place))
        return found

    def close(self, sales: Sequence[tuple[Place, Sale]]) -> None:
        """Closes what is sold at one instant: losses go by the purchase of what was sold.

        Every sale chooses its lots first. What one sale is about to sell may still replace what
        another lost (Treas. Reg. 1.1091-1(b)); shares of one sale never replace each other. A
        refusal carries the id of the sale that failed as `item`.
        """
        for place, sale in sales:
            try:
                out = taken_from(pieces=self.at(place), sale=sale)
            except BallastError as fault:
                fault.item = sale.id
                raise
            proceeds = spread(sale.net, [piece.quantity for piece in out])
            self.leaving += [
                Leaving(sale, piece, part) for piece, part in zip(out, proceeds, strict=True)
            ]
        self.leaving.sort(key=lambda row: (row.piece.age[:2], row.piece.place, row.piece.age))
        parts: dict[int, int] = {}
        while self.leaving:
            row = self.leaving.pop(0)
            part = parts.get(row.sale.id, 0)
            parts[row.sale.id] = part + 1
            closing = closing_of(piece=row.piece, sale=row.sale, proceeds=row.proceeds, part=part)
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
            tuple(Chosen(lot, self.scale.steps(part)) for lot, part in event.chosen),
            (int(event.rates[0] * RATE_SCALE), int(event.rates[1] * RATE_SCALE)),
            self.scale,
        )

    def cents(self, event: Event) -> int:
        return cents(event.net, self.currencies[event.account])


def _index(pieces: Sequence[Piece], piece: Piece) -> int | None:
    """Where a piece lies; the newest are looked at first."""
    for index in range(len(pieces) - 1, -1, -1):
        if pieces[index] is piece:
            return index
    return None


def purchase_key(*, account: int, asset: int, at: datetime, order_id: str) -> tuple[object, ...]:
    """What fills of one purchase share: the order, else the instant, in one account."""
    return (account, asset, order_id or at)
