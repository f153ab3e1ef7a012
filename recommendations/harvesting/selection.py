"""Which lots of a security to sell, estimated before the orders are priced exactly. Pure.

Lots with the largest loss for a dollar of value go first, so every choice is a beginning of that
order. The beginning that brings most is taken among those that pass both thresholds; if none does,
the one that brings most, and the exact figures say what it lacks.

    loss of a lot   basis - value * (1 - half spread - SEC rate) + its part of the TAF
    round trip      four half spreads of the security, its fees on two sales, four brokerage fees

With many lots only every n-th beginning is tried, so that at most 64 are: the tax is recomputed for
each.

Worked example: 10 shares at 60 (basis 1,000) and 90 at 60 (basis 5,500): losses 400 and 100. At
a rate of 40 % the first alone brings 160.00 on 600 (26.7 %), both bring 200.00 on 6,000 (3.3 %):
with a threshold of 10 % only the first is sold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from recommendations.engine.fees import sale_fees
from recommendations.engine.problem import ONE, ZERO, Lot, Security
from recommendations.engine.program import BASIS_POINTS
from recommendations.harvesting.options import HarvestOptions
from recommendations.harvesting.tax_value import HUNDRED, Loss, TaxPosition, tax_value
from transactions.ledger.holding_period import is_long_term
from transactions.ledger.wash_windows import window_start

_TRIED_MAX = 64
_LEGS = 4

Parts = tuple[tuple[Lot, Decimal], ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """The lots to sell, with the units of each; value and the estimate of what they bring."""

    parts: Parts
    quantity: Decimal
    value: Decimal
    estimate: Decimal


@dataclass(frozen=True, slots=True)
class _Losing:
    lot: Lot
    quantity: Decimal
    value: Decimal
    loss: Decimal
    long_term: bool


def selection(
    *,
    security: Security,
    position: TaxPosition,
    options: HarvestOptions,
    as_of: date,
    home: str,
) -> Selection | None:
    """Return the lots to sell of a priced security; None if no lot is at a loss."""
    losing = _losing(security, as_of)
    if not losing:
        return None
    step = -(-len(losing) // _TRIED_MAX)
    best: tuple[bool, Decimal, Selection] | None = None
    short = long = value = quantity = ZERO
    for count, row in enumerate(losing, start=1):
        short, long = (short, long + row.loss) if row.long_term else (short + row.loss, long)
        value, quantity = value + row.value, quantity + row.quantity
        if count % step and count < len(losing):
            continue
        worth = tax_value(position=position, loss=Loss(short, long), options=options, currency=home)
        net = worth.net - _round_trip(security, value, quantity, options, as_of)
        passes = (
            net > options.minimum_benefit
            and net * HUNDRED > options.minimum_benefit_percentage * value
        )
        if best is None or (passes, net) > (best[0], best[1]):
            parts = tuple((one.lot, one.quantity) for one in losing[:count])
            best = passes, net, Selection(parts, quantity, value, net)
    assert best is not None, "a losing lot was tried"
    return best[2]


def with_recent_lots(found: Selection, *, security: Security, as_of: date) -> Selection:
    """Return the selection with every lot that was bought in the window before the sale.

    Shares sold together replace nothing, so they wash no loss of each other (Rev. Rul. 56-602
    speaks of one purchase; the ledger requires that a replacement is held after the sale).
    """
    chosen = {(lot.lot_id, lot.piece) for lot, _ in found.parts}
    since = window_start(as_of)
    more = tuple(
        (lot, quantity)
        for lot in security.lots
        if lot.bought and lot.opened_date >= since and (lot.lot_id, lot.piece) not in chosen
        if (quantity := lot.quantity if security.fractional else lot.quantity // 1) > 0
    )
    extra = sum((quantity for _, quantity in more), ZERO)
    return Selection(
        parts=(*found.parts, *more),
        quantity=found.quantity + extra,
        value=found.value + extra * security.priced_at,
        estimate=found.estimate,
    )


def losing_value(*, security: Security) -> tuple[Decimal, Decimal]:
    """Return the value of the whole holding and the loss of its lots below basis, before costs."""
    if security.price is None:
        return ZERO, ZERO
    value = security.quantity * security.price
    losses: Sequence[Decimal] = [
        max(ZERO, lot.cost_basis - lot.quantity * security.price) for lot in security.lots
    ]
    return value, sum(losses, ZERO)


def _losing(security: Security, as_of: date) -> list[_Losing]:
    """Return the lots at a loss after the cost of their sale, the deepest first."""
    fees = sale_fees(market=security.fee_market, as_of=as_of).converted(security.fx_rate)
    kept = ONE - security.half_spread_bp / BASIS_POINTS - fees.sec_rate
    found = []
    for lot in security.lots:
        quantity = lot.quantity if security.fractional else lot.quantity // 1
        if quantity <= 0:
            continue
        value = quantity * security.priced_at
        basis = lot.cost_basis * quantity / lot.quantity
        loss = basis - value * kept + min(fees.taf_cap, quantity * fees.taf_per_share)
        if loss > 0 and basis > value:
            long_term = is_long_term(opened_date=lot.holding_period_date, sold_date=as_of)
            found.append(_Losing(lot, quantity, value, loss, long_term))
    return sorted(found, key=lambda row: (-row.loss / row.value, row.lot.lot_id, row.lot.piece))


def _round_trip(
    security: Security, value: Decimal, quantity: Decimal, options: HarvestOptions, as_of: date
) -> Decimal:
    fees = sale_fees(market=security.fee_market, as_of=as_of).converted(security.fx_rate)
    sale = value * fees.sec_rate + min(fees.taf_cap, quantity * fees.taf_per_share)
    spread = value * security.half_spread_bp / BASIS_POINTS
    return _LEGS * (spread + options.brokerage_fee) + 2 * sale
