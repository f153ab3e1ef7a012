"""Harvests as their pages show them. Pure.

kept       net benefit of what is offered
saved      tax now + tax carried
risk       square root of the sum of the squares of the replacements' risks: their differences from
           the originals are taken as unrelated
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from recommendations.harvesting.calendar import (
    LONG_TERM,
    LOSS_WASHABLE,
    PLANNED_PURCHASE,
    PURCHASE_BLOCKED,
    REINVESTMENT_EXPECTED,
    SWITCH_BACK,
    Entry,
)
from recommendations.harvesting.result import HarvestResult, Refusal

KIND_LABELS: Mapping[str, str] = {
    PURCHASE_BLOCKED: "Do not buy",
    LOSS_WASHABLE: "Loss would be washed",
    REINVESTMENT_EXPECTED: "Dividend reinvests",
    PLANNED_PURCHASE: "Purchase planned",
    LONG_TERM: "Becomes long-term",
    SWITCH_BACK: "Switch back",
}
# Shares of the value sold that a person may choose from, in percent; the first is the default.
LEAST_CHOICES = ("10", "5", "2", "0")


@dataclass(frozen=True, slots=True)
class HarvestFigures:
    """The headline of a harvest, in the account's currency."""

    kept: Decimal
    saved: Decimal
    later: Decimal
    costs: Decimal
    loss: Decimal
    risk: Decimal


def figures(result: HarvestResult) -> HarvestFigures:
    """Return the headline of a harvest."""
    totals = result.totals
    squares = sum(
        (offer.replacement.risk**2 for offer in result.offers if offer.replacement), Decimal(0)
    )
    return HarvestFigures(
        kept=totals.net_benefit,
        saved=totals.tax_now + totals.tax_carried,
        later=totals.tax_later,
        costs=totals.costs,
        loss=totals.loss,
        risk=squares.sqrt(),
    )


def at_a_loss(result: HarvestResult) -> list[Refusal]:
    """Return the refusals of holdings that have a loss at all, the largest first."""
    return [row for row in result.refused if row.loss > 0]


def labeled(entries: Sequence[Entry], names: Mapping[str, str]) -> list[tuple[Entry, str, str]]:
    """Return the entries with the words for their kind and the names of their accounts."""
    return [(row, KIND_LABELS[row.kind], names.get(row.account_id, "")) for row in entries]
