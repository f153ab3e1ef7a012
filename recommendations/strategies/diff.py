"""What changed between two versions of a strategy. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from portfolios.holdings.target_sets import SetWeight


@dataclass(frozen=True, slots=True)
class WeightChange:
    """One weight before and after, in percent; None where it is not among them.

    `detail` says that only the band, or the funds of a class, changed.
    """

    symbol: str
    before: Decimal | None
    after: Decimal | None
    detail: bool = False


def weight_changes(
    before: Sequence[SetWeight], after: Sequence[SetWeight]
) -> tuple[WeightChange, ...]:
    """Return the weights that differ, in the order of the later version, removed ones last."""
    old = {_key(weight): weight for weight in before}
    new = {_key(weight): weight for weight in after}
    found = []
    for key, weight in new.items():
        known = old.get(key)
        if known == weight:
            continue
        share = known.target_percentage if known else None
        same = share == weight.target_percentage
        found.append(WeightChange(weight.symbol, share, weight.target_percentage, detail=same))
    for key, weight in old.items():
        if key not in new:
            found.append(WeightChange(weight.symbol, weight.target_percentage, None))
    return tuple(found)


def _key(weight: SetWeight) -> tuple[str, str]:
    if weight.asset_class:
        return "class", weight.asset_class
    return "asset", weight.funds[0].asset_id if weight.funds else ""
