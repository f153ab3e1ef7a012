"""A point of the drift-against-tax curve, for those who do not load the engine's compiler. Pure."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class DriftPoint:
    """Drift after the trades as a share of the account; tax and cost in money; how many trades."""

    drift: Decimal
    tax: Decimal
    cost: Decimal
    trades: int
