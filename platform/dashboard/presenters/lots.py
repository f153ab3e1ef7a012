"""Lots as the page shows them: one purchase, and the pieces a wash sale divided it into. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from core.money import WIDE
from portfolios.holdings.lots import LotValue

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class LotLine:
    """A purchase, or one of its `pieces`; a purchase of one piece lists none."""

    lot_id: UUID
    opened_date: date
    holding_period_date: date
    quantity: Decimal
    cost_basis: Decimal
    wash_sale_adjustment: Decimal
    unrealized_gain: Decimal | None
    term: str
    pieces: "tuple[LotLine, ...]" = ()

    @property
    def unit_cost(self) -> Decimal | None:
        return WIDE.divide(self.cost_basis, self.quantity) if self.quantity else None

    @property
    def adjusted(self) -> bool:
        return self.wash_sale_adjustment != 0


def lots_by_purchase(rows: Iterable[LotValue]) -> list[LotLine]:
    """Return one line per purchase, in the given order, with its pieces side by side."""
    purchases: dict[UUID, list[LotLine]] = {}
    for row in rows:
        purchases.setdefault(row.lot_id, []).append(_line(row))
    return [pieces[0] if len(pieces) == 1 else _whole(pieces) for pieces in purchases.values()]


def _line(row: LotValue) -> LotLine:
    return LotLine(
        lot_id=row.lot_id,
        opened_date=row.opened_date,
        holding_period_date=row.holding_period_date,
        quantity=row.quantity,
        cost_basis=row.cost_basis,
        wash_sale_adjustment=row.wash_sale_adjustment,
        unrealized_gain=row.unrealized_gain,
        term="long" if row.long_term else "short",
    )


def _whole(pieces: Sequence[LotLine]) -> LotLine:
    terms = {piece.term for piece in pieces}
    gains = [piece.unrealized_gain for piece in pieces]
    known = [gain for gain in gains if gain is not None]
    return LotLine(
        lot_id=pieces[0].lot_id,
        opened_date=pieces[0].opened_date,
        holding_period_date=pieces[0].opened_date,  # each piece shows its own
        quantity=sum((piece.quantity for piece in pieces), ZERO),
        cost_basis=sum((piece.cost_basis for piece in pieces), ZERO),
        wash_sale_adjustment=sum((piece.wash_sale_adjustment for piece in pieces), ZERO),
        unrealized_gain=sum(known, ZERO) if len(known) == len(gains) else None,
        term=terms.pop() if len(terms) == 1 else "both",
        pieces=tuple(pieces),
    )
