"""What holds for every account: cash adds up, nothing is oversold, order does not matter."""

import itertools
import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.money import quantize
from recommendations.engine.problem import (
    Block,
    Lot,
    RebalanceInputs,
    Security,
    Settings,
    canonical,
    inputs_from_json,
    inputs_json,
)
from recommendations.engine.program import aims, program
from recommendations.engine.rebalancing import ENGINE_VERSION, rebalance, result_json
from recommendations.engine.result import RebalanceResult
from recommendations.engine.solver import CashFloorUnreachable, solve

AS_OF = date(2026, 6, 1)

prices = st.decimals("0.01", "9000", places=2)
quantities = st.decimals("0.000001", "5000", places=6)
days = st.dates(date(2020, 1, 1), AS_OF)
# Now and then a block on one side.
blocks = st.sampled_from([None, None, None, None, Block("restricted", date(2026, 7, 1))])


@st.composite
def accounts(draw: st.DrawFn) -> RebalanceInputs:
    size = draw(st.integers(1, 6))
    weights = [draw(st.integers(0, 5)) for _ in range(size)]
    whole = sum(weights) + draw(st.integers(0, 1)) or 1
    securities = []
    for k in range(size):
        price = draw(prices)
        lots = [
            Lot(
                f"lot {k} {n}",
                quantity,
                quantize(quantity * price * draw(st.integers(0, 250)) / 100, "USD"),
                opened := draw(days),
                opened - timedelta(days=draw(st.sampled_from([0, 0, 40]))),
                washable=quantity
                * draw(st.sampled_from([Decimal(x) for x in ("0", "0", "1", "0.3")])),
            )
            for n, quantity in enumerate(draw(st.lists(quantities, max_size=4)))
        ]
        securities.append(
            Security(
                symbol=f"S{k}",
                asset_id=f"id {k}",
                price=price,
                target_weight=(Decimal(weights[k]) / whole).quantize(
                    Decimal("0.000001"), "ROUND_DOWN"
                ),
                threshold=Decimal(draw(st.integers(0, 10))) / 100,
                lots=tuple(lots),
                half_spread_bp=Decimal(draw(st.integers(0, 30))),
                fractional=draw(st.booleans()),
                buy_block=draw(blocks),
                sell_block=draw(blocks),
                identity_group=draw(st.sampled_from([None, "one", "two"])),
                fee_market=draw(st.sampled_from(["US", "US", ""])),
            )
        )
    given_weight = sum((security.target_weight for security in securities), Decimal(0))
    return RebalanceInputs(
        account_id="any",
        as_of=AS_OF,
        currency="USD",
        cash=draw(st.decimals("-5000", "500000", places=2)),
        cash_target_weight=1 - given_weight,
        cash_threshold=Decimal(draw(st.integers(0, 3))) / 100,
        cash_floor=draw(st.sampled_from([Decimal(0), Decimal(0), Decimal("1234.56")])),
        securities=tuple(securities),
        settings=Settings(
            short_term_rate=Decimal(draw(st.sampled_from(["0", "0.408"]))),
            long_term_rate=Decimal(draw(st.sampled_from(["0", "0.238"]))),
            brokerage_fee=Decimal(draw(st.sampled_from(["0", "0", "4.95"]))),
            minimum_trade=Decimal(draw(st.sampled_from(["0", "1", "250"]))),
            loss_harvesting=draw(st.booleans()),
        ),
        engine_version=ENGINE_VERSION,
    )


def answer(inputs: RebalanceInputs) -> RebalanceResult | None:
    try:
        return rebalance(inputs=inputs)
    except CashFloorUnreachable:
        return None


def modest(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@given(accounts())
@modest(150)
def test_cash_is_conserved_and_never_below_the_floor(inputs: RebalanceInputs) -> None:
    result = answer(inputs)
    if result is None:
        return
    totals = result.totals
    assert totals.cash_after == totals.cash_before + totals.sells - totals.buys - totals.costs
    assert totals.cash_after >= inputs.cash_floor
    assert totals.tax == sum(trade.estimated_tax for trade in result.trades)
    for trade in result.trades:
        assert trade.value == quantize(trade.quantity * trade.price, "USD")
        assert trade.cost == trade.spread_cost + trade.fees
        if trade.side == "sell":
            assert sum(lot.proceeds for lot in trade.lots) == trade.value - trade.cost
            assert sum(lot.quantity for lot in trade.lots) == trade.quantity


@given(accounts())
@modest(150)
def test_every_trade_is_allowed(inputs: RebalanceInputs) -> None:
    result = answer(inputs)
    if result is None:
        return
    by_symbol = {security.symbol: security for security in inputs.securities}
    value = result.before.account_value
    step = Decimal("0.000001")
    least = max(inputs.settings.minimum_trade, 2 * inputs.settings.brokerage_fee)
    for trade in result.trades:
        security = by_symbol[trade.symbol]
        held = {lot.lot_id: lot.quantity for lot in security.lots}
        assert trade.quantity > 0
        assert all(lot.quantity <= held[lot.lot_id] for lot in trade.lots)
        assert trade.value >= quantize(least, "USD")
        if not security.fractional:
            assert trade.quantity == trade.quantity.to_integral_value()
        if trade.side == "buy":
            assert security.may_buy
            assert security.target_weight > 0
            after = (security.quantity + trade.quantity) * trade.price
            edge = (security.target_weight + security.threshold) * value
            assert after <= edge + step * trade.price + Decimal("0.01")
        else:
            assert security.may_sell
    traded = [trade.symbol for trade in result.trades]
    assert len(set(traded)) == len(traded), "never bought and sold in one run"
    assert sorted(traded + [row.symbol for row in result.skipped]) == sorted(by_symbol)


@given(accounts())
@modest(150)
def test_no_group_is_bought_while_it_is_sold_at_a_loss(inputs: RebalanceInputs) -> None:
    rates = (inputs.settings.short_term_rate, inputs.settings.long_term_rate)
    result = answer(inputs)
    if result is None or not any(rates):
        return
    groups = {s.symbol: s.identity_group or s.symbol for s in inputs.securities}
    bought = {groups[trade.symbol] for trade in result.trades if trade.side == "buy"}
    at_a_loss = {
        groups[trade.symbol] for trade in result.trades if any(lot.gain < 0 for lot in trade.lots)
    }
    assert not bought & at_a_loss


@given(accounts(), st.randoms(use_true_random=False))
@modest(80)
def test_the_order_of_securities_and_lots_changes_no_byte(
    inputs: RebalanceInputs, dice: random.Random
) -> None:
    securities = [
        replace(security, lots=tuple(dice.sample(security.lots, len(security.lots))))
        for security in inputs.securities
    ]
    dice.shuffle(securities)
    shuffled = replace(inputs, securities=tuple(securities))
    assert inputs_json(inputs=shuffled) == inputs_json(inputs=inputs)
    first, second = answer(inputs), answer(shuffled)
    if first is None or second is None:
        assert first is second
        return
    assert result_json(result=first) == result_json(result=second)


@given(accounts())
@modest(80)
def test_the_problem_survives_its_json_exactly(inputs: RebalanceInputs) -> None:
    text = inputs_json(inputs=inputs)
    read = inputs_from_json(text=text)
    assert read == canonical(inputs=inputs)
    assert inputs_json(inputs=read) == text


@given(accounts())
@modest(120)
def test_the_certificate_encloses_the_answer(inputs: RebalanceInputs) -> None:
    ordered = canonical(inputs=inputs)
    goals = aims(inputs=ordered)
    try:
        solution = solve(program=program(inputs=ordered, aims=goals))
    except CashFloorUnreachable:
        return
    assert solution.lower_bound <= solution.objective
    result = answer(inputs)
    assert result is not None
    assert result.optimality_gap_bps >= 0


def fixed(account_seed: int) -> RebalanceInputs:
    """Three securities of a few whole shares each: small enough to try every answer."""
    dice = random.Random(account_seed)
    targets = dice.choice([("0.5", "0.3", "0.2"), ("0.4", "0.4", "0.1"), ("0.34", "0.33", "0.33")])
    securities = []
    for k, target in enumerate(targets):
        price = Decimal(dice.randint(20, 200))
        lots = tuple(
            Lot(
                f"{k}{n}",
                Decimal(quantity),
                price * quantity * dice.randint(50, 130) / 100,
                opened := AS_OF - timedelta(days=dice.randint(1, 900)),
                opened,
            )
            for n in range(dice.randint(0, 2))
            for quantity in [dice.randint(1, 3)]
        )
        securities.append(
            Security(f"S{k}", f"{k}", price, Decimal(target), Decimal("0.02"), lots, Decimal(5))
        )
    return RebalanceInputs(
        account_id="small",
        as_of=AS_OF,
        currency="USD",
        cash=Decimal(dice.randint(50, 400)),
        cash_target_weight=1 - sum((Decimal(target) for target in targets), Decimal(0)),
        securities=tuple(securities),
        settings=Settings(
            Decimal("0.408"),
            Decimal("0.238"),
            drift_penalty=Decimal("0.10"),
            whole_shares=True,
            loss_harvesting=True,
        ),
        engine_version=ENGINE_VERSION,
    )


@pytest.mark.parametrize("seed", range(25))
def test_whole_shares_match_the_best_of_all_answers(seed: int) -> None:
    inputs = fixed(seed)
    goals = aims(inputs=inputs)
    task = replace(program(inputs=inputs, aims=goals), node_limit=2000)
    solution = solve(program=task)
    choices = [
        range(-int(item.buy_max + 1e-9), int(item.sell_max + 1e-9) + 1) for item in task.items
    ]
    best = float("inf")
    for sold in itertools.product(*choices):
        cash = task.cash + sum(item.cash(q) for item, q in zip(task.items, sold, strict=True))
        if cash < task.cash_floor:
            continue
        cost = task.cash_phi.at(cash)
        for item, q in zip(task.items, sold, strict=True):
            dollars = item.price * abs(q)
            rate = item.sell_cost if q > 0 else item.buy_cost
            cost += item.phi.at(item.price * (item.held - q)) + dollars * (rate + 2e-6)
            left = float(max(q, 0))
            for lot in item.lots:
                taken = min(left, lot.shares)
                cost += item.price * taken * lot.tax
                left -= taken
        best = min(best, cost)
    tolerance = 1e-7 * task.account_value
    assert solution.lower_bound <= best + 1e-9
    assert best - 1e-9 <= solution.objective <= best + tolerance
