"""Target weights of an account. Pure."""

from dataclasses import dataclass
from decimal import Decimal

# The symbol under which the cash share of a portfolio is given and shown.
CASH_SYMBOL = "CASH"


@dataclass(frozen=True, slots=True)
class TargetWeight:
    """The target share of a symbol in percent, and its band in percentage points."""

    symbol: str
    target_percentage: Decimal
    rebalance_threshold: Decimal
