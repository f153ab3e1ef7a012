"""Target weights of an account, and the rule that they sum to 100 percent. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.errors import InvalidInput

# The symbol under which the cash share of a portfolio is given and shown.
CASH_SYMBOL = "CASH"
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class TargetWeight:
    """The target share of a symbol in percent, and its band in percentage points."""

    symbol: str
    target_percentage: Decimal
    rebalance_threshold: Decimal


def ensure_whole(weights: Sequence[TargetWeight]) -> None:
    """Raise targets_not_100 unless the weights sum to exactly 100; an account may have none."""
    total = sum((weight.target_percentage for weight in weights), Decimal(0))
    if weights and total != _HUNDRED:
        raise InvalidInput(
            f"The targets sum to {total.normalize():f} percent. They must sum to 100.",
            code="targets_not_100",
            fields={"target_percentage": [f"sum to {total.normalize():f} percent instead of 100"]},
        )
