"""Lots and the methods that choose among them. Pure; whole numbers (see `units`); one currency.

Piece      shares of one acquisition with one basis per share and one holding period. A lot is one
           piece until a wash sale divides it
sale       closes `quantity` from the pieces its method puts first. Its proceeds are spread over
           the parts by quantity, largest remainder: parts sum to the sale to the cent
           basis of a part = piece basis * part / piece quantity, rounded; the rest stays in the
           piece, so a lot sold completely leaves exactly nothing
Conserved  sum(bought) - sum(sold) = sum(pieces)
           sum(cost of buys) = sum(basis closed) + sum(basis of pieces)

Methods    a table with one signature: the pieces in the order in which they are sold. Ties break by
           (opened_at, quantity and amount as stated, acquisition, holding day), so every order is
           total and does not depend on the order of recording.
    fifo     oldest purchase first
    lifo     newest purchase first
    hifo     highest adjusted basis per share first
    average  oldest first, each share at the average basis of all shares held (Treas. Reg.
             1.1012-1(e)(7)); the average stays in the lots that are left
    min_tax  lowest tax per share first: gain per share at the owner's short or long rate; a loss
             counts as negative tax
    specific the lots named, in the order named. Of a lot that wash sales divided, its pieces in
             the order of the account, or the pieces named: piece n is the n-th (from 0) of the lot
             when the sale is booked. If a backdated transaction divides the lot differently later,
             the shares missing from the named piece come from the lot's other pieces. The lot sold
             is a fact; its division follows from the household's other transactions

A new method is also named in `models.accounts.LotMethod`, in LOT_METHODS of
`files.reading.interface`, in COMPARED of `portfolios.queries.sale_previews`, and in the words of
`operations.accounts`, `config.reference.vocabulary` and `files.formats.ballast_template`.

Worked example, FIFO: buy 10 for 100.00, buy 10 for 120.00, sell 15 for 180.00:
    10 from the first   proceeds 120.00  basis 100.00  gain 20.00
     5 from the second  proceeds  60.00  basis  60.00  gain  0.00
    left: 5 with basis 60.00
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from core.errors import Conflict, InvalidInput
from core.frozen import changed
from core.money import plain
from transactions.ledger.holding_period import is_long_term
from transactions.ledger.units import Scale, share, spread

# Bits by which fractions are widened before they are compared as integers.
_WIDE = 256


class InsufficientShares(Conflict):
    """A transaction needs more shares than are held at that time."""

    status = 400
    code = "insufficient_quantity"

    def __init__(self, *, held: str, wanted: str, day: date, symbol: str = "") -> None:
        self.held, self.wanted, self.day = held, wanted, day
        of = f" of {symbol}" if symbol else ""
        super().__init__(
            f"Only {held} shares{of} are held on {day}; this transaction needs {wanted}. Record "
            "the missing purchase first, or lower the quantity.",
            fields={"quantity": [f"at most {held}"]},
        )

    def of(self, symbol: str) -> "InsufficientShares":
        """Return the same refusal with the symbol of the asset in its text."""
        return InsufficientShares(held=self.held, wanted=self.wanted, day=self.day, symbol=symbol)


class LotSelectionInvalid(InvalidInput):
    """The lots named for a sale do not exist, hold too little, or do not add up to it."""

    code = "lot_selection_invalid"


_HOLDS_TOO_LITTLE = "A named lot has fewer shares than the sale takes from it. Read the lots again."


Place = tuple[int, int]  # account id, asset id


@dataclass(slots=True)
class Piece:
    """Equal shares of one acquisition. Mutable: only the book that holds it changes it."""

    acquisition: int
    # Fills of one order are one purchase, whose shares do not replace each other.
    purchase_key: tuple[object, ...]
    opened_at: datetime
    held_since: date
    quantity: int
    basis: int
    place: Place
    adjustment: int = 0
    replaces_loss: bool = False
    # The losses that shares of the lot have replaced, up to and including this piece's own. It
    # numbers the pieces that replaced a loss.
    losses_replaced: int = 0
    purchase: bool = True
    # Quantity and amount of the acquisition as stated; they order acquisitions of one instant.
    stated: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))
    # The sale of this instant that has chosen it and not closed it yet; 0 if none.
    leaving: int = 0
    # Its place among the pieces chosen at this instant, from 1; 0 if it is kept.
    turn: int = 0
    # It is no longer held: it was sold, sent away, or exchanged.
    gone: bool = False
    # It is among the purchases that may replace a loss.
    listed: bool = False

    @property
    def lot(self) -> tuple[object, ...]:
        """The part of its age that never changes; pieces with the same value are adjacent."""
        return (self.opened_at, self.stated, self.acquisition)

    @property
    def age(self) -> tuple[object, ...]:
        """The order of purchase; within one lot, the longest holding period comes first."""
        return (
            self.opened_at,
            self.stated,
            self.acquisition,
            self.held_since,
            not self.replaces_loss,
        )

    def cut(self, quantity: int) -> "Piece":
        """Split off `quantity` as a piece with its share of basis and adjustment."""
        assert 0 < quantity < self.quantity, "a cut leaves something on both sides"
        basis = share(self.basis, quantity, self.quantity)
        adjustment = share(self.adjustment, quantity, self.quantity)
        taken = changed(self, quantity=quantity, basis=basis, adjustment=adjustment, listed=False)
        self.quantity -= quantity
        self.basis -= basis
        self.adjustment -= adjustment
        return taken


@dataclass(frozen=True, slots=True)
class Chosen:
    """A quantity of one lot, or of one piece of it, named for a sale, in steps."""

    acquisition: int
    quantity: int
    piece: int | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale out of one place. `net`: its proceeds after the fee, in minor units."""

    id: int
    quantity: int
    net: int
    at: datetime
    method: str
    chosen: tuple[Chosen, ...] = ()
    # Tax on a short and a long-term gain, as whole numbers of one scale.
    rates: tuple[int, int] = (0, 0)
    scale: Scale = field(default_factory=Scale)


@dataclass(slots=True)
class Closing:
    """The part of sale `sale` taken from one piece, and the treatment of its loss.

    `sold_date`: the day its shares were sold, if cash for them came later.
    """

    sale: int
    part: int
    place: Place
    acquisition: int
    purchase_key: tuple[object, ...]
    opened_at: datetime
    held_since: date
    closed_at: datetime
    quantity: int
    proceeds: int
    basis: int
    adjustment: int
    matched: int = 0
    deferred: int = 0
    permanent_quantity: int = 0
    permanent: int = 0
    # The state of the piece when it was closed.
    replaces_loss: bool = False
    losses_replaced: int = 0
    purchase: bool = True

    # Quantity and amount of the acquisition as stated.
    stated: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))
    sold_date: date | None = None

    @property
    def turn(self) -> tuple[object, ...]:
        """The order in which losses of one instant meet replacements: `turn` of their pieces."""
        return turn(self, proceeds=self.proceeds, sale=self.sale, part=self.part)

    @property
    def loss(self) -> int:
        """The loss; zero for a gain."""
        return max(0, self.basis - self.proceeds)

    @property
    def long_term(self) -> bool:
        sold = self.sold_date or self.closed_at.date()
        return is_long_term(opened_date=self.held_since, sold_date=sold)


def turn(shares: Piece | Closing, *, proceeds: int, sale: int, part: int) -> tuple[object, ...]:
    """Return the key of shares among all shares sold at one instant.

    Those held longest come first, tacked days included, then by acquisition. Quantity comes last:
    how much is left of a lot must not decide which loss a replacement takes.
    """
    return (
        *(shares.held_since, shares.opened_at, shares.place, shares.stated, shares.acquisition),
        *(shares.quantity, shares.basis, proceeds, sale, part),
    )


Taken = tuple[Piece, int]
Method = Callable[[Sequence[Piece], Sale], Sequence[Taken]]


def _first(order: Callable[[Sequence[Piece], Sale], Iterable[Piece]]) -> Method:
    """Return a method that takes pieces in `order` until the sale is filled."""

    def choose(pieces: Sequence[Piece], sale: Sale) -> Sequence[Taken]:
        taken: list[Taken] = []
        wanted = sale.quantity
        for piece in order(pieces, sale):
            if not wanted:
                break
            part = min(wanted, piece.quantity)
            taken.append((piece, part))
            wanted -= part
        return taken

    return choose


def _oldest(pieces: Sequence[Piece], sale: Sale) -> Iterable[Piece]:
    return pieces  # a place keeps its pieces by age


def _newest(pieces: Sequence[Piece], sale: Sale) -> Iterable[Piece]:
    return reversed(pieces)


def _dearest(pieces: Sequence[Piece], sale: Sale) -> Sequence[Piece]:
    return sorted(pieces, key=lambda piece: -((piece.basis << _WIDE) // piece.quantity))


def _least_taxed(pieces: Sequence[Piece], sale: Sale) -> Sequence[Piece]:
    sold = sale.at.date()

    def tax(piece: Piece) -> int:
        long_term = is_long_term(opened_date=piece.held_since, sold_date=sold)
        gain = sale.net * piece.quantity - piece.basis * sale.quantity
        return ((gain * sale.rates[long_term]) << _WIDE) // (piece.quantity * sale.quantity)

    return sorted(pieces, key=tax)


def _specific(pieces: Sequence[Piece], sale: Sale) -> Sequence[Taken]:
    """Take the named lots. Each must exist and suffice; together they must equal the sale."""
    if not sale.chosen:
        raise LotSelectionInvalid(
            "This account needs the lots of each sale. Send lots, or send a lot_method."
        )
    named: dict[int, list[Chosen]] = {}
    for part in sale.chosen:
        named.setdefault(part.acquisition, []).append(part)
    for parts in named.values():
        _ensure_named_once(parts)
    held: dict[int, list[Piece]] = {}
    for piece in pieces:
        if piece.acquisition in named:
            held.setdefault(piece.acquisition, []).append(piece)
    taken: list[Taken] = []
    for acquisition, parts in named.items():
        taken += _taken_of_lot(held.get(acquisition, []), parts, sale.scale)
    if sum(part.quantity for part in sale.chosen) != sale.quantity:
        raise LotSelectionInvalid(
            "The named lots do not add up to the quantity sold. Correct one of them."
        )
    return taken


def _ensure_named_once(parts: Sequence[Chosen]) -> None:
    """Ensure that a lot is named once as a whole, or several times by different pieces."""
    if len({part.piece for part in parts}) != len(parts):
        raise LotSelectionInvalid("A lot is named twice. Name it once.")
    if len(parts) > 1 and any(part.piece is None for part in parts):
        raise LotSelectionInvalid(
            "A lot is named as a whole and by its pieces. Use one of the two."
        )


def _taken_of_lot(mine: Sequence[Piece], parts: Sequence[Chosen], scale: Scale) -> Sequence[Taken]:
    """Return the parts sold of one lot: the pieces named first, then others for any shortfall."""
    if any(part.quantity <= 0 for part in parts):
        raise LotSelectionInvalid(_HOLDS_TOO_LITTLE)
    left = [piece.quantity for piece in mine]
    order: list[tuple[int, int]] = []
    missing = 0
    for part in parts:
        wanted = part.quantity
        if part.piece is not None:
            index = part.piece
            there = left[index] if index < len(left) else 0
            wanted = _all_that_was_shown(wanted, there, scale)
            quantity = min(wanted, there)
            if quantity:
                order.append((index, quantity))
                left[index] -= quantity
            wanted -= quantity
        missing += wanted
    missing = _all_that_was_shown(missing, sum(left), scale) if missing else 0
    for index, there in enumerate(left):
        quantity = min(missing, there)
        if quantity:
            order.append((index, quantity))
            missing -= quantity
    if missing:
        raise LotSelectionInvalid(_HOLDS_TOO_LITTLE)
    together: dict[int, int] = {}
    for index, quantity in order:
        together[index] = together.get(index, 0) + quantity
    return [(mine[index], quantity) for index, quantity in together.items()]


METHODS: Mapping[str, Method] = {
    "fifo": _first(_oldest),
    "lifo": _first(_newest),
    "hifo": _first(_dearest),
    "average": _first(_oldest),
    "min_tax": _first(_least_taxed),
    "specific": _specific,
}


def _all_that_was_shown(wanted: int, held: int, scale: Scale) -> int:
    """Return `held` if `wanted` equals it to the ten decimals shown, else `wanted`."""
    return held if abs(wanted - held) < scale.fine else wanted


def _held(pieces: Sequence[Piece], *, enough: int) -> int:
    """Return the quantity held, counting no further than `enough`."""
    held = 0
    for piece in pieces:
        held += piece.quantity
        if held >= enough:
            break
    return held


def taken_from(*, pieces: list[Piece], sale: Sale) -> list[Piece]:
    """Remove the pieces that are sold (or leave) from `pieces`, sorted by age, and return them.

    Raises InsufficientShares or LotSelectionInvalid; then nothing has changed.
    """
    if sale.method == "average":
        held = sum(piece.quantity for piece in pieces)
    else:
        held = _held(pieces, enough=sale.quantity + sale.scale.fine)
    wanted = _all_that_was_shown(sale.quantity, held, sale.scale)
    if wanted > held:
        shown = plain(sale.scale.quantity(held))
        raise InsufficientShares(
            held=shown, wanted=plain(sale.scale.quantity(wanted)), day=sale.at.date()
        )
    if sale.method != "specific":
        sale = replace(sale, quantity=wanted)
    parts = METHODS[sale.method](pieces, sale)
    pool = sum(piece.basis for piece in pieces) if sale.method == "average" else 0
    out = []
    emptied = []
    for piece, quantity in parts:
        if quantity == piece.quantity:
            out.append(piece)
            emptied.append(piece)
        else:
            out.append(piece.cut(quantity))
    _remove(emptied, pieces)
    if sale.method == "average":
        leaves = share(pool, wanted, held)
        _average(out, leaves)
        _average(pieces, pool - leaves)
    return out


def _remove(emptied: Sequence[Piece], pieces: list[Piece]) -> None:
    """Remove emptied pieces from `pieces`; most methods empty the first or the last ones."""
    count = len(emptied)
    if all(piece is gone for piece, gone in zip(pieces, emptied, strict=False)):
        del pieces[:count]
    elif all(piece is gone for piece, gone in zip(reversed(pieces), emptied, strict=False)):
        del pieces[-count:]
    else:
        gone_ids = {id(piece) for piece in emptied}
        pieces[:] = [piece for piece in pieces if id(piece) not in gone_ids]


def _average(pieces: Sequence[Piece], pool: int) -> None:
    """Give every share the same basis; leftover cents go to the largest remainders."""
    if pieces:
        bases = spread(pool, [piece.quantity for piece in pieces])
        for piece, basis in zip(pieces, bases, strict=True):
            piece.basis = basis


def closing_of(*, piece: Piece, sale: Sale, proceeds: int, part: int) -> Closing:
    """Return the closing of a piece that is sold: its proceeds and its basis."""
    return Closing(
        sale.id,
        part,
        piece.place,
        piece.acquisition,
        piece.purchase_key,
        piece.opened_at,
        piece.held_since,
        sale.at,
        piece.quantity,
        proceeds,
        piece.basis,
        piece.adjustment,
        replaces_loss=piece.replaces_loss,
        losses_replaced=piece.losses_replaced,
        purchase=piece.purchase,
        stated=piece.stated,
    )
