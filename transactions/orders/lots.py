"""The lots that a fill of a sale names. Pure.

A recommended sale names its lots in order. Each fill takes the first that no other fill has:

    lots 10 of A, 5 of B; filled before 8 of A; this fill 4   ->   2 of A, 2 of B
    the same, and the 8 of A are taken back; this fill 9      ->   8 of A, 1 of B

A fill beyond the named lots names none: the account's own method then decides.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from transactions.ledger.entries import ChosenLot

# The methods by which an investor tells the broker which lots to sell.
NAMED_BY = frozenset({"specific", "min_tax"})


def stored_lots(lots: Iterable[ChosenLot]) -> list[dict[str, Any]]:
    """Return lots in the form in which an order keeps them."""
    return [lot.as_stored() for lot in lots]


def chosen_lots(stored: Iterable[Mapping[str, Any]]) -> tuple[ChosenLot, ...]:
    """Return the lots that an order or a transaction keeps."""
    return tuple(
        ChosenLot(UUID(row["lot_id"]), Decimal(row["quantity"]), row.get("piece")) for row in stored
    )


def scaled(lots: Iterable[ChosenLot], quantity: Decimal) -> tuple[ChosenLot, ...]:
    """Return the first lots that together have `quantity`."""
    return next_lots(lots, before=Decimal(0), quantity=quantity)


def left_of(lots: Iterable[ChosenLot], taken: Iterable[ChosenLot]) -> tuple[ChosenLot, ...]:
    """Return the lots without what was taken of them, in their order.

    A part taken is looked for in its own piece first, then in any piece of its lot. What was taken
    of other lots is passed over.
    """
    left = list(lots)
    for part in taken:
        wanted = part.quantity
        own = [n for n, lot in enumerate(left) if lot.lot_id == part.lot_id]
        for place in sorted(own, key=lambda n: left[n].piece != part.piece):
            used = min(wanted, left[place].quantity)
            left[place] = replace(left[place], quantity=left[place].quantity - used)
            wanted -= used
    return tuple(lot for lot in left if lot.quantity)


def next_lots(
    lots: Iterable[ChosenLot], *, before: Decimal, quantity: Decimal
) -> tuple[ChosenLot, ...]:
    """Return the lots of the next `quantity` units after the first `before`."""
    taken, start = [], before
    left = quantity
    for lot in lots:
        skipped = min(start, lot.quantity)
        start -= skipped
        part = min(lot.quantity - skipped, left)
        if part > 0:
            taken.append(ChosenLot(lot.lot_id, part, lot.piece))
            left -= part
    return () if left > 0 else tuple(taken)
