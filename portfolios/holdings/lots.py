"""A lot as an investor reads it. Pure."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class LotValue:
    """One lot, or one piece of it where a wash sale divided it; gain None without a price."""

    lot_id: UUID
    piece: int
    symbol: str
    quantity: Decimal
    opened_date: date
    holding_period_date: date
    cost_basis: Decimal
    wash_sale_adjustment: Decimal
    unrealized_gain: Decimal | None
    long_term: bool
