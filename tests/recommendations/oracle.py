"""An independent mixed-integer program of a rebalance, solved by HiGHS, and random accounts for it.

Written from the problem statement, not from the solver: lots, sides and penalty pieces are
variables, the sides exclude each other by binaries, whole shares are integers, and each limit of
the account is one row. Presolve is off: with it highspy 1.12 to 1.15.1 gives wrong answers to such
problems.
"""

import random
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal

import highspy  # type: ignore[import-untyped]
import numpy as np

from recommendations.engine.fees import sale_fees
from recommendations.engine.hulls import CENTER_PULL, PENALTY_STEPS, TURNOVER
from recommendations.engine.problem import (
    Block,
    Lot,
    RebalanceInputs,
    Security,
    Settings,
    canonical,
)
from recommendations.engine.program import BAND_RETURN, aims
from recommendations.engine.rebalancing import ENGINE_VERSION
from transactions.ledger.holding_period import is_long_term

AS_OF = date(2026, 6, 1)


class Mip:
    """Rows and columns for HiGHS; amounts in bps of account value.

    apart, turnover, gains: what the limits of an account count.
    """

    def __init__(self) -> None:
        self.highs = highspy.Highs()
        for option, value in (
            ("output_flag", False),
            ("presolve", "off"),
            ("mip_rel_gap", 0.0),
            ("mip_abs_gap", 1e-7),
            ("primal_feasibility_tolerance", 1e-9),
            ("mip_feasibility_tolerance", 1e-9),
            ("threads", 1),
        ):
            self.highs.setOptionValue(option, value)
        self.columns = 0
        self.apart: Terms = []
        self.turnover: Terms = []
        self.gains: Terms = []

    def column(self, cost: float, low: float, high: float, *, integer: bool = False) -> int:
        self.highs.addVar(low, high)
        self.highs.changeColCost(self.columns, cost)
        if integer:
            self.highs.changeColIntegrality(self.columns, highspy.HighsVarType.kInteger)
        self.columns += 1
        return self.columns - 1

    def row(self, terms: "Terms", low: float, high: float) -> None:
        columns = np.array([column for column, _ in terms], dtype=np.int32)
        values = np.array([value for _, value in terms], dtype=np.float64)
        self.highs.addRow(low, high, len(terms), columns, values)

    def least_cost(self) -> float | None:
        self.highs.run()
        status = self.highs.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return None
        assert status == highspy.HighsModelStatus.kOptimal, status
        return float(self.highs.getInfo().objective_function_value)


INF = highspy.kHighsInf
Terms = list[tuple[int, float]]


def penalty_terms(mip: Mip, band: float, settings: Settings, value: float) -> Terms:
    """Columns of the deviation above (+1) and below (-1) the target, priced by distance.

    Where the drift is limited it has no price beside the pull to the target.
    """
    if settings.drift_limit is not None:
        below, above = (mip.column(CENTER_PULL, 0.0, INF) for _ in range(2))
        mip.apart += [(below, 1.0), (above, 1.0)]
        return [(below, -1.0), (above, 1.0)]
    weight = float(settings.drift_penalty)
    steps = [(0.0, CENTER_PULL / 2), (band / 2, CENTER_PULL)] if band > 0 else []
    steps += [(band + at * value, CENTER_PULL + k * weight) for at, k in PENALTY_STEPS]
    ends = [start for start, _ in steps[1:]] + [INF]
    terms = []
    for (start, slope), end in zip(steps, ends, strict=True):
        terms.append((mip.column(slope, 0.0, end - start), -1.0))
        terms.append((mip.column(slope, 0.0, end - start), 1.0))
    return terms


def mip_cost(inputs: RebalanceInputs, *, free_sales: bool = False) -> float | None:
    """The least cost of the problem in bps of account value; None when it has no answer.

    Unless `free_sales`, no sale goes below the lower edge of the band.
    """
    mip = Mip()
    goals = aims(inputs=inputs)
    bps = 10_000 / float(goals.account_value)
    settings = inputs.settings
    cash_row: Terms = []
    groups: dict[str, tuple[list[int], list[int]]] = {}
    for security, target, band in zip(
        inputs.securities, goals.securities, goals.bands, strict=True
    ):
        losses, purchases = groups.setdefault(security.identity_group or security.symbol, ([], []))
        edges = (float(target) * bps, float(band) * bps)
        terms, lots_at_a_loss, bought = add_security(
            mip, inputs, security, edges=edges, bps=bps, free_sales=free_sales
        )
        cash_row += terms
        losses += lots_at_a_loss
        purchases.append(bought)
    for losses, purchases in groups.values():
        harvests = mip.column(0.0, 0.0, 1.0, integer=True)
        for lot_column in losses:
            mip.row([(lot_column, 1.0), (harvests, -10_000.0)], -INF, 0.0)
        for bought in purchases if losses else []:
            mip.row([(bought, 1.0), (harvests, 10_000.0)], -INF, 10_000.0)
    cash, aim = float(inputs.cash) * bps, float(goals.cash) * bps
    free = float(goals.cash_band) * bps
    width = free if abs(cash - aim) <= free else free * float(BAND_RETURN)
    mip.row(cash_row, float(inputs.cash_floor) * bps - cash, INF)
    balance = cash_row + penalty_terms(mip, width, settings, 10_000)
    mip.row(balance, aim - cash, aim - cash)
    for terms, limit, unit in (
        (mip.apart, settings.drift_limit, 20_000.0),
        (mip.turnover, settings.turnover_budget, bps),
        (mip.gains, settings.gain_budget, bps),
    ):
        if limit is not None:
            mip.row(terms, -INF, float(limit) * unit)
    return mip.least_cost()


def add_security(
    mip: Mip,
    inputs: RebalanceInputs,
    security: Security,
    *,
    edges: tuple[float, float],
    bps: float,
    free_sales: bool,
) -> tuple[Terms, list[int], int]:
    """Adds one security (target and band in `edges`): its cash terms, loss lots, purchase."""
    assert security.price is not None
    settings = inputs.settings
    price = float(security.price) * bps
    held = price * float(security.quantity)
    apart, free = held - edges[0], edges[1]
    if settings.drift_limit is not None:
        free = 0.0
    width = free if abs(apart) <= free else free * float(BAND_RETURN)
    spread = float(security.half_spread_bp) / 10_000
    fees = sale_fees(market=security.fee_market, as_of=inputs.as_of)
    sell_rate = spread + float(fees.sec_rate) + float(fees.taf_per_share / security.price)
    fee = float(settings.brokerage_fee) * bps
    least = max(float(settings.minimum_trade) * bps, 2 * fee)
    sold: list[int] = []
    losses: list[int] = []
    rates = [0.0]
    for lot in security.lots:
        worth = price * float(lot.quantity)
        gain = 1 - sell_rate - float(lot.cost_basis) * bps / worth
        long_term = is_long_term(opened_date=lot.holding_period_date, sold_date=inputs.as_of)
        rates.append(float(settings.long_term_rate if long_term else settings.short_term_rate))
        tax = rates[-1] * gain if settings.loss_harvesting else max(rates[-1] * gain, 0.0)
        young = (inputs.as_of - lot.opened_date).days < settings.minimum_holding_days
        high = worth if security.may_sell and not young else 0.0
        sold.append(mip.column(tax + sell_rate + TURNOVER, 0.0, high))
        if gain < 0:
            losses.append(sold[-1])
        mip.gains.append((sold[-1], max(gain, 0.0)))
    room = max(free - apart, 0.0) if security.may_buy and security.target_weight > 0 else 0.0
    bought = mip.column(spread + TURNOVER, 0.0, room)
    sells = mip.column(fee * (1 - max(rates)), 0.0, 1.0, integer=True)
    buys = mip.column(fee, 0.0, 1.0, integer=True)
    sale = [(column, 1.0) for column in sold]
    mip.turnover += [*sale, (bought, 1.0)]
    mip.row([(sells, 1.0), (buys, 1.0)], 0.0, 1.0)
    mip.row([*sale, (sells, -held)], -INF, 0.0)
    mip.row([*sale, (sells, -least)], 0.0, INF)
    mip.row([(bought, 1.0), (buys, -room)], -INF, 0.0)
    mip.row([(bought, 1.0), (buys, -least)], 0.0, INF)
    if not free_sales:
        mip.row(sale, 0.0, max(min(held, apart + free), 0.0))
    for side in (sale, [(bought, 1.0)]) if settings.whole_shares else ():
        mip.row([*side, (mip.column(0.0, 0.0, INF, integer=True), -price)], 0.0, 0.0)
    # held - sold + bought = target + above - below
    position = [(column, -1.0) for column in sold] + [(bought, 1.0)]
    position += penalty_terms(mip, width, settings, 10_000)
    mip.row(position, -apart, -apart)
    cash = [(column, 1 - sell_rate) for column in sold] + [(bought, -1 - spread)]
    return [*cash, (sells, -fee), (buys, -fee)], losses, bought


def random_security(
    dice: random.Random, k: int, target: Decimal, *, harvest: bool, groups: int
) -> Security:
    price = Decimal(dice.randint(500, 40_000)) / 100
    lots = tuple(
        Lot(
            f"{k}-{n}",
            Decimal(quantity),
            (price * quantity * dice.randint(40, 150 if harvest else 99) / 100).quantize(
                Decimal("0.01")
            ),
            opened := AS_OF - timedelta(days=dice.randint(1, 1200)),
            opened,
        )
        for n in range(dice.choice([0, 1, 2, 3, 3]))
        for quantity in [dice.randint(1, 60)]
    )
    return Security(
        symbol=f"S{k:03}",
        asset_id=str(k),
        price=price,
        target_weight=target,
        threshold=Decimal(dice.choice([0, 1, 2, 5])) / 100,
        lots=lots,
        half_spread_bp=Decimal(dice.randint(0, 12)),
        buy_block=Block("restricted") if dice.random() < 0.1 else None,
        sell_block=Block("restricted") if dice.random() < 0.1 else None,
        identity_group=f"g{k % groups}" if groups else None,
        fee_market="US",
    )


def random_account(
    seed: int,
    *,
    size: int,
    harvest: bool,
    minimum: str = "0",
    whole: bool = False,
    fee: str = "0",
    groups: int = 0,
) -> RebalanceInputs:
    """An account of round numbers: lots of both terms, gains and losses, some blocks and floors."""
    dice = random.Random(seed)
    weights = [dice.randint(1, 10) for _ in range(size)]
    whole_weight = sum(weights) + dice.choice([0, 0, 1])
    targets = [
        (Decimal(weight) / whole_weight).quantize(Decimal("0.0001"), ROUND_DOWN)
        for weight in weights
    ]
    given = sum(targets, Decimal(0))
    securities = [
        random_security(dice, k, target, harvest=harvest, groups=groups)
        for k, target in enumerate(targets)
    ]
    held = sum((s.price * s.quantity for s in securities if s.price), Decimal(0))
    cash = (held * dice.choice([-2, 0, 1, 5, 30]) / 100).quantize(Decimal("0.01")) + 100
    floor = max(cash, Decimal(0)) + (held * dice.choice([0, 0, 5, 20]) / 100)
    return canonical(
        inputs=RebalanceInputs(
            account_id="random",
            as_of=AS_OF,
            currency="USD",
            cash=cash,
            cash_target_weight=1 - given,
            cash_threshold=Decimal(dice.choice([0, 1])) / 100,
            cash_floor=floor.quantize(Decimal("0.01")) if dice.random() < 0.4 else Decimal(0),
            securities=tuple(securities),
            settings=Settings(
                short_term_rate=Decimal("0.408"),
                long_term_rate=Decimal("0.238"),
                brokerage_fee=Decimal(fee),
                minimum_trade=(held * Decimal(minimum) / 100).quantize(Decimal("0.01")),
                loss_harvesting=harvest,
                whole_shares=whole,
                drift_penalty=Decimal("0.10"),
            ),
            engine_version=ENGINE_VERSION,
        )
    )
