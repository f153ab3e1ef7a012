"""The realized lines of recommended sales, computed by the ledger's own code. Pure.

The lots of the account and the recent purchases of its household are put into a book. The sales are
closed in the order of the trades, each at its own moment. So the lines equal those that the ledger
writes when the trades are recorded as recommended: the same parts of the proceeds, the same cost
basis to the cent, the same loss disallowed by the same purchases.

    gain              proceeds - cost basis
    recognized gain   gain + disallowed loss
    tax               rate of the term x recognized gain

Sales of one identity group share a book, so the second sale sees the shares that the first one
washed. Different groups are independent.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal

from core.money import quantize
from recommendations.engine.problem import Lot, Purchase, RebalanceInputs, Security
from recommendations.engine.result import TradeLot
from transactions.ledger.book import Book
from transactions.ledger.lots import Chosen, Closing, Piece, Place, Sale
from transactions.ledger.units import Scale, amount, cents
from transactions.ledger.wash_sales import Policy, WashSales

_SCALE = Scale()
# The accounts of the book: the rebalanced account, and the household's other accounts by type.
_HERE, _TAXABLE, _RETIREMENT = 1, 2, 3

Parts = Sequence[tuple[Lot, Decimal]]


def sale_lines(
    *, inputs: RebalanceInputs, sold: Mapping[int, tuple[Parts, Decimal]]
) -> dict[int, tuple[TradeLot, ...]]:
    """Return the lines of each sale, by the index of its security.

    sold: the lots a sale takes with their quantities, and its proceeds after costs (money).
    """
    groups: dict[str, list[int]] = {}
    for i in sorted(sold):
        groups.setdefault(_group(inputs, i), []).append(i)
    return {
        i: lines
        for group, members in groups.items()
        for i, lines in _lines_of_group(inputs, group, members, sold)
    }


def _group(inputs: RebalanceInputs, i: int) -> str:
    """Return the identity group; a security without one is a group by itself."""
    return inputs.securities[i].identity_group or f"#{i}"


@dataclass(slots=True)
class _Run(Book):
    """A book that records, for each piece, its original lot and piece in the inputs."""

    origins: dict[int, Lot] = field(default_factory=dict)

    def matched(self, piece: Piece, quantity: int) -> Piece:
        taken = Book.matched(self, piece, quantity)
        if id(piece) in self.origins:
            self.origins[id(taken)] = self.origins[id(piece)]
        return taken


def _lines_of_group(
    inputs: RebalanceInputs,
    group: str,
    members: Sequence[int],
    sold: Mapping[int, tuple[Parts, Decimal]],
) -> Iterable[tuple[int, tuple[TradeLot, ...]]]:
    book = _book(inputs)
    for i, security in enumerate(inputs.securities):
        if _group(inputs, i) == group:
            lot_ids = {lot.lot_id for lot in security.lots}
            numbers = {lot_id: number for number, lot_id in enumerate(sorted(lot_ids))}
            for lot in _in_order(security):
                piece = _piece(inputs, i, lot, numbers[lot.lot_id])
                book.put((_HERE, i), [piece])
                book.origins[id(piece)] = lot
    for row in inputs.purchases:
        if row.group == group:
            piece = _bought_elsewhere(inputs, row)
            book.put(piece.place, [piece])
    for i in members:
        parts, net = sold[i]
        chosen = _chosen(book, (_HERE, i), parts)
        sale = Sale(
            id=i + 1,
            quantity=sum(part.quantity for part, _ in chosen),
            net=cents(net, inputs.currency),
            at=datetime.combine(inputs.as_of, time.max, UTC),
            method="specific",
            chosen=tuple(part for part, _ in chosen),
        )
        before = len(book.closings)
        book.close([((_HERE, i), sale)])
        lines = zip(chosen, book.closings[before:], strict=True)
        yield i, tuple(_line(inputs, lot, part, closing) for (part, lot), closing in lines)


def _book(inputs: RebalanceInputs) -> _Run:
    securities = inputs.securities
    exempt = frozenset(i for i, security in enumerate(securities) if not security.wash_sales)
    return _Run(
        currencies=dict.fromkeys((_HERE, _TAXABLE, _RETIREMENT), inputs.currency),
        washes=WashSales(
            policy=Policy(earlier_acquired_count=inputs.earlier_acquired_count),
            groups=dict.fromkeys(range(len(securities) + 1), 0),
            exempt=exempt,
            taxable=frozenset({_HERE, _TAXABLE}),
            ignored=frozenset(),
            convert=_unconverted,
        ),
    )


def _unconverted(minor: int, from_account: int, to_account: int, day: date) -> int:
    """Return the amount unchanged: the basis of a replacement elsewhere is not used in this run."""
    return minor


def _in_order(security: Security) -> list[Lot]:
    """Return the lots in the ledger's order: by age, and the pieces of one lot by their numbers."""
    return sorted(
        security.lots, key=lambda lot: (_opened_at(lot), lot.order, lot.lot_id, lot.piece)
    )


def _opened_at(lot: Lot) -> datetime:
    return lot.opened_at or datetime.combine(lot.opened_date, time(), UTC)


def _piece(inputs: RebalanceInputs, i: int, lot: Lot, acquisition: int) -> Piece:
    of_its_own = -1 - acquisition
    return Piece(
        acquisition=acquisition,
        purchase_key=(of_its_own, i) if lot.purchase < 0 else (lot.purchase, 0),
        opened_at=_opened_at(lot),
        held_since=lot.holding_period_date,
        quantity=_SCALE.steps(lot.quantity),
        basis=cents(lot.cost_basis, inputs.currency),
        place=(_HERE, i),
        replaces_loss=lot.replaces_loss,
        purchase=lot.bought,
        stated=(Decimal(lot.order), Decimal(0)),
    )


def _bought_elsewhere(inputs: RebalanceInputs, row: Purchase) -> Piece:
    return Piece(
        acquisition=-1 - row.order,
        purchase_key=(row.purchase, 0),
        opened_at=row.opened_at,
        held_since=row.opened_at.date(),
        quantity=_SCALE.steps(row.quantity),
        basis=0,
        place=(_RETIREMENT if row.permanent else _TAXABLE, len(inputs.securities)),
        stated=(Decimal(row.order), Decimal(0)),
    )


def _chosen(book: _Run, place: Place, parts: Parts) -> list[tuple[Chosen, Lot]]:
    """Return the pieces of a sale by their numbers when it is recorded, oldest first.

    If an earlier sale of the run has divided a piece, the sale takes from its parts.
    """
    wanted = {(lot.lot_id, lot.piece): _SCALE.steps(quantity) for lot, quantity in parts}
    numbers: Counter[int] = Counter()
    found = []
    for piece in book.pieces[place]:
        number = numbers[piece.acquisition]
        numbers[piece.acquisition] += 1
        lot = book.origins[id(piece)]
        taken = min(wanted.get((lot.lot_id, lot.piece), 0), piece.quantity)
        if taken:
            wanted[lot.lot_id, lot.piece] -= taken
            found.append((Chosen(piece.acquisition, taken, number), lot))
    assert not any(wanted.values()), "no more is sold than is held"
    return found


def _line(inputs: RebalanceInputs, lot: Lot, part: Chosen, closing: Closing) -> TradeLot:
    currency = inputs.currency
    rates = inputs.settings
    rate = rates.long_term_rate if closing.long_term else rates.short_term_rate
    recognized = closing.proceeds - closing.basis + closing.deferred + closing.permanent
    assert part.piece is not None, "every part names its piece"
    return TradeLot(
        lot_id=lot.lot_id,
        piece=part.piece,
        quantity=_SCALE.quantity(closing.quantity),
        proceeds=amount(closing.proceeds, currency),
        cost_basis=amount(closing.basis, currency),
        gain=amount(closing.proceeds - closing.basis, currency),
        disallowed_loss=amount(closing.deferred + closing.permanent, currency),
        term="long" if closing.long_term else "short",
        estimated_tax=quantize(rate * amount(recognized, currency), currency),
    )
