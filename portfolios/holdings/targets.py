"""Target weights of an account, and the rule that they sum to 100 percent. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from core.errors import InvalidInput

# The symbol under which the cash share of a portfolio is given and shown.
CASH_SYMBOL = "CASH"
ABSOLUTE, RELATIVE = "absolute", "relative"
THRESHOLD_KINDS = (ABSOLUTE, RELATIVE)
_HUNDRED = Decimal(100)
_FOUR_DECIMALS = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class TargetWeight:
    """The target share of a symbol in percent, and its band: points, or percent of the target."""

    symbol: str
    target_percentage: Decimal
    rebalance_threshold: Decimal
    threshold_kind: str = ABSOLUTE

    @property
    def band(self) -> Decimal:
        """Return half the width of the band in percentage points, with four decimals."""
        if self.threshold_kind == ABSOLUTE:
            return self.rebalance_threshold
        points = self.target_percentage * self.rebalance_threshold / _HUNDRED
        return points.quantize(_FOUR_DECIMALS, ROUND_HALF_UP)


def ensure_whole(weights: Sequence[TargetWeight]) -> None:
    """Raise targets_not_100 unless the weights sum to exactly 100; an account may have none."""
    total = sum((weight.target_percentage for weight in weights), Decimal(0))
    if weights and total != _HUNDRED:
        raise InvalidInput(
            f"The targets sum to {total.normalize():f} percent. They must sum to 100.",
            code="targets_not_100",
            fields={"target_percentage": [f"sum to {total.normalize():f} percent instead of 100"]},
        )
