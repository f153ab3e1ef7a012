"""Check that the account still holds the pieces a sale names."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from transactions.ledger.entries import ChosenLot, Entry
from transactions.ledger.kinds import BOOKED_TYPES
from transactions.ledger.lots import LotSelectionInvalid
from transactions.models import Account, Lot, Transaction


def ensure_pieces_held(*, account: Account, entries: Sequence[Entry]) -> None:
    """Raise LotSelectionInvalid if a sale names a piece that the account does not hold.

    The number of a piece comes from the list of lots. If another transaction has divided the lot
    since, the number means other shares with another tax, so the sale is refused. A backdated
    sale is not checked: the list of lots shows only the present division of the lot.
    """
    for entry in entries:
        named = [part for part in entry.lots if part.piece is not None]
        if named and not _is_backdated(account, entry):
            _ensure_held(account, entry, named)


def _is_backdated(account: Account, entry: Entry) -> bool:
    return Transaction.objects.filter(
        account=account,
        asset__symbol=entry.symbol,
        type__in=BOOKED_TYPES,
        executed_at__gt=entry.executed_at,
        reverses__isnull=True,
        reversed_by__isnull=True,
    ).exists()


def _ensure_held(account: Account, entry: Entry, named: Sequence[ChosenLot]) -> None:
    held: dict[tuple[UUID, int], Decimal] = defaultdict(Decimal)
    rows = Lot.objects.filter(
        account=account,
        asset__symbol=entry.symbol,
        transaction__public_id__in={part.lot_id for part in named},
    )
    for lot_id, piece, quantity in rows.values_list("transaction__public_id", "piece", "quantity"):
        held[lot_id, piece] = quantity
    for part in named:
        assert part.piece is not None, "only named pieces are checked"
        if part.quantity > held[part.lot_id, part.piece]:
            raise LotSelectionInvalid(
                f"Piece {part.piece} of lot {part.lot_id} has fewer shares than the sale takes. "
                "Read the lots again, because another transaction may have divided the lot.",
                fields={"lots": [f"takes more than piece {part.piece} has"]},
            )
