"""Convert the Decimal problem to the solver's floats; targets in money stay exact.

    account value V      = cash + sum of price x quantity
    cash target C        = max(cash weight x V, cash floor)
    target of security i = weight_i / (sum of weights) x (V - C)

So a floor above the cash target (a withdrawal) shrinks every target in proportion. Bands stay
threshold x V. A security outside its band is aimed at BAND_RETURN of the band. No trade takes a
security out of its band on the other side: a purchase stops at the upper edge, a sale at the lower
edge (unless the cash floor cannot be met otherwise: `free_sales`). A security without a target is
never bought.

Worked example: V 100,000, targets 60 % and 40 %, floor 10,000: the targets are 54,000 and 36,000.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import accumulate

from recommendations.engine.fees import SaleFees, sale_fees
from recommendations.engine.hulls import EVEN_REACH, TURNOVER, Item, Penalty, TaxLot, penalty
from recommendations.engine.problem import (
    ZERO,
    Lot,
    RebalanceInputs,
    Security,
    Settings,
    is_kept,
)
from recommendations.engine.relaxation import Program
from transactions.ledger.holding_period import is_long_term

BASIS_POINTS = Decimal(10_000)
# A security outside its band is brought back to this share of the band, not to its edge, so that
# the next day's move does not trigger another trade: the 200/175 policy of Vanguard's target-date
# funds ("The Rebalancing Edge", 2024).
BAND_RETURN = Decimal("0.875")
# A trade smaller than this many brokerage fees is never worth proposing.
FEES_PER_TRADE_MIN = 2
# A lot this close to its basis (in money) counts as a loss for the identity group: rounding
# decides.
LOSS_MARGIN = 0.02
# Shares of the account's value that differ by less are equal: they are compared in floats.
SAME = 1e-12
# Tax per dollar sold, then lot and piece.
Ranked = tuple[float, float, tuple[str, int], TaxLot]


@dataclass(frozen=True, slots=True)
class Aims:
    """The account's holdings and targets in its currency; tuples are in the inputs' order."""

    account_value: Decimal
    values: tuple[Decimal, ...]
    cash: Decimal
    cash_band: Decimal
    securities: tuple[Decimal, ...]
    bands: tuple[Decimal, ...]


def held_value(*, security: Security) -> Decimal:
    """Return price x quantity in money, not rounded; 0 for no holding."""
    return security.price * security.quantity if security.price is not None else ZERO


def aims(*, inputs: RebalanceInputs) -> Aims:
    """Return the targets and bands in money; targets and cash target sum to the account's value."""
    values = tuple(held_value(security=security) for security in inputs.securities)
    value = inputs.cash + sum(values, ZERO)
    cash = max(inputs.cash_target_weight * value, inputs.cash_floor)
    whole = sum((security.target_weight for security in inputs.securities), ZERO)
    share = max(value - cash, ZERO) / whole if whole else ZERO
    return Aims(
        account_value=value,
        values=values,
        cash=cash,
        cash_band=inputs.cash_threshold * value,
        securities=tuple(security.target_weight * share for security in inputs.securities),
        bands=tuple(security.threshold * value for security in inputs.securities),
    )


def fees_of(*, security: Security, inputs: RebalanceInputs) -> SaleFees:
    """Return the fees a sale of the security pays on the day of the run, in account currency."""
    fees = sale_fees(market=security.fee_market, as_of=inputs.as_of)
    return fees.converted(security.fx_rate)


def lot_rate(*, lot: Lot, inputs: RebalanceInputs) -> Decimal:
    """Return the tax rate on a gain of the lot, sold on the day of the run."""
    long_term = is_long_term(opened_date=lot.holding_period_date, sold_date=inputs.as_of)
    return inputs.settings.long_term_rate if long_term else inputs.settings.short_term_rate


def is_whole(*, security: Security, settings: Settings) -> bool:
    """Return whether only whole shares of the security are traded."""
    return settings.whole_shares or not security.fractional


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of an account's limits: dollars for a dollar out of place, traded or gained.

    drift: None without a limit on the drift; bands and their penalty decide then.
    """

    drift: float | None = None
    turnover: float = 0.0
    gain: float = 0.0


NO_PRICES = Prices()


def program(
    *,
    inputs: RebalanceInputs,
    aims: Aims,
    free_sales: bool = False,
    prices: Prices = NO_PRICES,
) -> Program:
    """Return the solver's input; items are in the order of `inputs.securities` (canonical).

    `free_sales` lets a sale go below the band, for a cash floor that cannot be met otherwise.
    """
    proceeds = inputs.cash - inputs.cash_floor
    for security, held in zip(inputs.securities, aims.values, strict=True):
        if security.may_sell:
            proceeds += held
    value = float(aims.account_value)
    items = tuple(
        _item(inputs, security, aims, i, max(float(proceeds), 0.0), free_sales, prices)
        for i, security in enumerate(inputs.securities)
    )
    return Program(
        items=items,
        cash=float(inputs.cash),
        cash_floor=float(inputs.cash_floor),
        cash_phi=_phi(inputs, aims, prices, inputs.cash, aims.cash, aims.cash_band),
        account_value=value,
    )


def _phi(
    inputs: RebalanceInputs,
    aims: Aims,
    prices: Prices,
    held: Decimal,
    target: Decimal,
    band: Decimal,
) -> Penalty:
    """Return the penalty of a holding; a limit on the drift prices all of it alike."""
    value = float(aims.account_value)
    if prices.drift is not None:
        return penalty(
            target=float(target), band=0.0, weight=prices.drift, account_value=value * EVEN_REACH
        )
    return penalty(
        target=float(target),
        band=_aimed_band(held, target, band),
        weight=float(inputs.settings.drift_penalty),
        account_value=value,
    )


def _aimed_band(held: Decimal, target: Decimal, band: Decimal) -> float:
    """Return the half-width without penalty: the band, or `BAND_RETURN` of it from outside."""
    return float(band if abs(held - target) <= band else band * BAND_RETURN)


def _item(
    inputs: RebalanceInputs,
    security: Security,
    aims: Aims,
    i: int,
    proceeds: float,
    free_sales: bool,
    prices: Prices,
) -> Item:
    settings = inputs.settings
    if security.price is None:
        nothing = penalty(target=0.0, band=0.0, weight=0.0, account_value=0.0)
        return Item(security.symbol, 1.0, 0.0, nothing, ())
    price = float(security.price)
    value = aims.values[i]
    fees = fees_of(security=security, inputs=inputs)
    buy_cost = float(security.half_spread_bp / BASIS_POINTS)
    # Above its cap the TAF is concave: its chord to the whole position never exceeds it.
    taf = fees.taf_per_share
    if value * taf > fees.taf_cap * security.price:
        taf = fees.taf_cap * security.price / value
    sell_cost = buy_cost + float(fees.sec_rate) + float(taf) / price
    fee = float(settings.brokerage_fee)
    least = max(float(settings.minimum_trade), FEES_PER_TRADE_MIN * fee)
    lots, washed = _tax_lots(inputs, security, sell_cost, fee / least if fee else 0.0, prices.gain)
    free = list(accumulate(lot.shares for lot in lots))[-1] if lots else 0.0
    kept = sum(
        (lot.quantity for lot in security.lots if is_kept(lot=lot, inputs=inputs)), start=ZERO
    )
    held = free + float(kept) if kept else free
    band = aims.bands[i] if prices.drift is None else ZERO
    ceiling = aims.securities[i] + band
    wanted = security.may_buy and security.target_weight > 0
    room = max(float(ceiling - value), 0.0) if wanted else 0.0
    surplus = held
    if not free_sales and value:
        surplus = held * max(float((value - aims.securities[i] + band) / value), 0.0)
    # The fee lowers the gain: by no more than the highest rate among the lots.
    dearest = ZERO
    if fee:
        dearest = max((lot_rate(lot=lot, inputs=inputs) for lot in security.lots), default=ZERO)
    return Item(
        symbol=security.symbol,
        price=price,
        held=held,
        phi=_phi(inputs, aims, prices, value, aims.securities[i], aims.bands[i]),
        lots=lots,
        sell_cost=sell_cost,
        buy_cost=buy_cost,
        fee=fee,
        fee_after_tax=fee * (1 - float(dearest)),
        minimum_shares=_minimum_shares(security, least),
        sell_max=min(free, surplus) if security.may_sell else 0.0,
        buy_max=min(room, proceeds) / price,
        whole=is_whole(security=security, settings=settings),
        group=security.identity_group,
        washed=washed,
        turnover=TURNOVER + prices.turnover,
    )


def _minimum_shares(security: Security, least: float) -> float:
    """Return `least` money in shares, on the six-decimal grid of fractional quantities."""
    grid = Decimal("0.000001")
    return float((Decimal(least) / security.priced_at).quantize(grid, rounding="ROUND_CEILING"))


def _tax_lots(
    inputs: RebalanceInputs,
    security: Security,
    sell_cost: float,
    fee_share: float,
    gain_price: float,
) -> tuple[tuple[TaxLot, ...], float]:
    """Return the lots in selling order, and how many shares have a disallowed loss.

    In order: losses that count in full, losses that purchases wash, gains; within each by tax per
    dollar sold, then lot and piece. Lots at a loss share the purchases that wash them, and the
    shares sold first are washed first. So the first ones save no tax and the others save all of
    theirs; a lot in which both meet is listed twice. Unless losses are wanted, none saves tax;
    the loss that would save most goes first all the same: no dearer lot is sold than needed.
    """
    settings = inputs.settings
    taxed = settings.short_term_rate > 0 or settings.long_term_rate > 0
    full: list[Ranked] = []
    pool: list[Ranked] = []
    washed = ZERO
    for index, lot in enumerate(security.lots):
        if is_kept(lot=lot, inputs=inputs):
            continue
        value = float(security.priced_at * lot.quantity)
        gain = 1 - sell_cost - float(lot.cost_basis) / value
        tax = stated = float(lot_rate(lot=lot, inputs=inputs)) * gain
        is_loss = taxed and (gain < fee_share or gain * value < LOSS_MARGIN)
        is_washed = settings.loss_harvesting and tax < 0 and lot.washable > 0
        if not settings.loss_harvesting:
            tax = max(tax, 0.0)
        if is_washed:
            washed = max(washed, min(lot.washable, lot.quantity))
        taxable = max(gain, 0.0)
        if gain_price:
            tax += gain_price * taxable
            stated += gain_price * taxable
        found = TaxLot(index, float(lot.quantity), tax, is_loss, taxable)
        (pool if is_washed else full).append((tax, stated, (lot.lot_id, lot.piece), found))
    full.sort(key=lambda entry: entry[:3])
    pool.sort(key=lambda entry: entry[:3])
    losses = [lot for tax, *_, lot in full if tax < 0]
    gains = [lot for tax, *_, lot in full if tax >= 0]
    split = _split(tuple(lot for *_, lot in pool), float(washed))
    return (*losses, *split, *gains), float(washed)


def _split(pool: tuple[TaxLot, ...], washed: float) -> Iterator[TaxLot]:
    """Return the lots, with no tax on the first `washed` shares of them together."""
    for lot in pool:
        first = min(washed, lot.shares)
        washed -= first
        if first > 0:
            yield replace(lot, shares=first, tax=0.0)
        if first < lot.shares:
            yield replace(lot, shares=lot.shares - first)
