"""From the solver's floats to orders that add up to the cent.

    sale      value = quantity x price, cost = half spread + SEC fee + TAF + brokerage fee
              lot: proceeds = its share of (value - cost), basis = its share of the lot's basis,
              tax = rate x (proceeds - basis), by lot
    purchase  value = quantity x price, cost = half spread + brokerage fee
    cash      before + sum (value - cost) sold - sum (value + cost) bought >= floor, exactly

Sales are rounded up and purchases down (six decimals, or whole shares), so rounding leaves cash,
not debt; what cents of fees still take below the floor is given back by the largest purchase.

Worked example: 10 of a lot of 40 (basis 2,000) sold at 60.00, half spread 5 bp, no fees, rate 15 %:
value 600.00, cost 0.30, proceeds 599.70, basis 500.00, gain 99.70, tax 14.96 (14.955 rounded).
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from core.money import allocate, minor_unit, quantize
from recommendations.engine.fees import sec_fee, trading_activity_fee
from recommendations.engine.hulls import TURNOVER, Item
from recommendations.engine.problem import ONE, ZERO, Lot, RebalanceInputs, Security
from recommendations.engine.program import BASIS_POINTS, fees_of, is_whole, lot_rate
from recommendations.engine.relaxation import Program
from recommendations.engine.result import TradeLot
from recommendations.engine.solver import CashFloorUnreachable, Solution
from transactions.ledger.holding_period import is_long_term

QUANTITY_STEP = Decimal("0.000001")
# A float this close to a step is that step; far below a step's worth of money.
_STEP_NOISE = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade priced exactly. `sold` is negative for a purchase; `net_exact` and `objective` are
    the unrounded cash effect and solver's cost (tax, cost, turnover) behind the rounded money."""

    index: int
    sold: Decimal
    value: Decimal
    spread_cost: Decimal
    fees: Decimal
    lots: tuple[TradeLot, ...]
    net_exact: float
    objective: float

    @property
    def cost(self) -> Decimal:
        return self.spread_cost + self.fees

    @property
    def cash_effect(self) -> Decimal:
        return (self.value if self.sold > 0 else -self.value) - self.cost

    @property
    def tax(self) -> Decimal:
        return sum((lot.estimated_tax for lot in self.lots), ZERO)


def fills(*, inputs: RebalanceInputs, program: Program, solution: Solution) -> tuple[Fill, ...]:
    """The trades of the solution, rounded, in the order of the securities; cash >= floor.

    Raises CashFloorUnreachable when rounding cannot be made good.
    """
    found: dict[int, Fill] = {}
    for i in range(len(solution.shares)):
        sold = _rounded(inputs, program.items[i], i, solution)
        if sold:
            found[i] = _fill(inputs, program.items[i], i, sold, solution.without_losses[i])
    cash = inputs.cash + sum((fill.cash_effect for fill in found.values()), ZERO)
    if cash < inputs.cash_floor:
        _give_back(inputs, program, solution, found, inputs.cash_floor - cash)
    return tuple(found[i] for i in sorted(found))


def _step(inputs: RebalanceInputs, security: Security) -> Decimal:
    return ONE if is_whole(security=security, settings=inputs.settings) else QUANTITY_STEP


def _rounded(inputs: RebalanceInputs, item: Item, i: int, solution: Solution) -> Decimal:
    """The solver's shares in whole steps: sales up (at most all), purchases down."""
    shares = solution.shares[i]
    if not shares:
        return ZERO
    security = inputs.securities[i]
    step = _step(inputs, security)
    rounded = (Decimal(shares) / step - _STEP_NOISE).to_integral_value(ROUND_CEILING) * step
    if shares < 0:
        return rounded
    most = _sellable(security, item, step, solution.without_losses[i])
    # A remainder smaller than a step could never be sold again: it goes along.
    return most if rounded > most - step else rounded


def _fill(inputs: RebalanceInputs, item: Item, i: int, sold: Decimal, without_losses: bool) -> Fill:
    security = inputs.securities[i]
    assert security.price is not None, "what has no price is not traded"
    quantity = abs(sold)
    value = quantity * security.price
    spread = value * security.half_spread_bp / BASIS_POINTS
    brokerage = inputs.settings.brokerage_fee
    sec = taf = ZERO
    if sold > 0:
        fees = fees_of(security=security, inputs=inputs)
        sec = sec_fee(fees=fees, value=value)
        taf = trading_activity_fee(fees=fees, quantity=quantity)
    cost = spread + sec + taf + brokerage
    rounded = [quantize(amount, inputs.currency) for amount in (value, spread, sec, taf, brokerage)]
    spread_cost, charged = rounded[1], rounded[2] + rounded[3] + rounded[4]
    lots: tuple[TradeLot, ...] = ()
    tax = ZERO
    if sold > 0:
        parts = _lots_taken(security, item, quantity, without_losses)
        net = rounded[0] - spread_cost - charged
        lots = _trade_lots(inputs, security, parts, net)
        tax = _tax_exact(inputs, security, parts, value - cost)
    objective = float(tax + cost) + TURNOVER * float(value)
    net_exact = float((value if sold > 0 else -value) - cost)
    return Fill(i, sold, rounded[0], spread_cost, charged, lots, net_exact, objective)


def _lots_taken(
    security: Security, item: Item, quantity: Decimal, without_losses: bool
) -> list[tuple[Lot, Decimal]]:
    """The lots a sale of `quantity` takes, cheapest tax per dollar first."""
    parts = []
    left = quantity
    for tax_lot in item.lots:
        if left <= 0:
            break
        if without_losses and tax_lot.is_loss:
            continue
        lot = security.lots[tax_lot.index]
        taken = min(left, lot.quantity)
        parts.append((lot, taken))
        left -= taken
    assert left == 0, "no more is sold than is held"
    return parts


def _trade_lots(
    inputs: RebalanceInputs, security: Security, parts: list[tuple[Lot, Decimal]], net: Decimal
) -> tuple[TradeLot, ...]:
    """The rounded lines of a sale; proceeds sum to `net`, and each line is proceeds - basis."""
    proceeds = allocate(net, [quantity for _, quantity in parts], inputs.currency)
    lines = []
    for (lot, quantity), part in zip(parts, proceeds, strict=True):
        basis = quantize(lot.cost_basis * quantity / lot.quantity, inputs.currency)
        rate = lot_rate(lot=lot, inputs=inputs)
        gain = part - basis
        disallowed = gain < 0 and security.recent_purchase
        long_term = is_long_term(opened_date=lot.holding_period_date, sold_date=inputs.as_of)
        lines.append(
            TradeLot(
                lot_id=lot.lot_id,
                quantity=quantity,
                proceeds=part,
                cost_basis=basis,
                gain=gain,
                term="long" if long_term else "short",
                estimated_tax=ZERO if disallowed else quantize(rate * gain, inputs.currency),
            )
        )
    return tuple(lines)


def _tax_exact(
    inputs: RebalanceInputs,
    security: Security,
    parts: list[tuple[Lot, Decimal]],
    net: Decimal,
) -> Decimal:
    """The unrounded tax the solver weighs: losses count only where they may be harvested."""
    losses_count = inputs.settings.loss_harvesting and not security.recent_purchase
    sold = sum((quantity for _, quantity in parts), ZERO)
    tax = ZERO
    for lot, quantity in parts:
        gain = net * quantity / sold - lot.cost_basis * quantity / lot.quantity
        if gain > 0 or losses_count:
            tax += lot_rate(lot=lot, inputs=inputs) * gain
    return tax


def _give_back(
    inputs: RebalanceInputs,
    program: Program,
    solution: Solution,
    found: dict[int, Fill],
    missing: Decimal,
) -> None:
    """Makes `missing` cash good: smaller purchases, largest first; then larger sales.

    The second pass takes four minor units more: what rounding one trade's own amounts can cost.
    """
    for cushion in (ZERO, 4 * minor_unit(inputs.currency)):
        for i in sorted(found, key=lambda i: (found[i].sold > 0, -found[i].value, i)):
            if missing <= 0:
                return
            before = found[i].cash_effect
            sold = _moved_towards_cash(inputs, program, solution, found[i], missing + cushion)
            after = ZERO
            if sold:
                without_losses = solution.without_losses[i]
                found[i] = _fill(inputs, program.items[i], i, sold, without_losses)
                after = found[i].cash_effect
            else:
                del found[i]
            missing -= after - before
    if missing > 0:
        raise CashFloorUnreachable(f"{missing} {inputs.currency} are missing after rounding.")


def _moved_towards_cash(
    inputs: RebalanceInputs, program: Program, solution: Solution, fill: Fill, wanted: Decimal
) -> Decimal:
    """The quantity sold (negative: bought) that hands over about `wanted` more, if it can."""
    security, item = inputs.securities[fill.index], program.items[fill.index]
    assert security.price is not None, "what has no price is not traded"
    step = _step(inputs, security)
    sold = fill.sold + (wanted / security.price / step).to_integral_value(ROUND_CEILING) * step
    if fill.sold > 0:
        most = _sellable(security, item, step, solution.without_losses[fill.index])
        return min(sold + step, most)
    return sold if -sold >= Decimal(item.minimum_shares) and sold < 0 else ZERO


def _sellable(security: Security, item: Item, step: Decimal, without_losses: bool) -> Decimal:
    kept = [
        security.lots[lot.index].quantity
        for lot in item.lots
        if not (without_losses and lot.is_loss)
    ]
    total = sum(kept, ZERO)
    return total if step == QUANTITY_STEP else total // step * step
