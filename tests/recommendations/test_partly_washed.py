"""Losses washed in part: what the engine sells costs no more than any sale that can be enumerated.

Every whole number of shares of every lot is tried, with the tax of the ledger's own lines.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from recommendations.engine.hulls import TURNOVER
from recommendations.engine.problem import Lot, Purchase, RebalanceInputs
from recommendations.engine.program import aims, program
from recommendations.engine.rebalancing import rebalance
from recommendations.engine.sale_lines import sale_lines

AccountTable = Callable[..., RebalanceInputs]

# Inside its band: only a loss is a reason to sell. Then far above it, then for a withdrawal.
TABLES = {
    "harvest": "cash 0 target 0 band 95\nA target 100 band 90 price 50 whole no-fees",
    "trim": "cash 0 target 60 band 1\nA target 40 band 1 price 50 whole no-fees",
    "withdraw": "cash 0 floor 330 target 0 band 0\nA target 100 band 90 price 50 whole no-fees",
}
# The oldest lot has the largest loss a share, as after a long fall.
LOTS = {
    "one": ["a 9 for 720 on 2024-03-01"],
    "two": ["a 6 for 480 on 2024-03-01", "b 7 for 462 on 2025-09-01"],
    "with a gain": ["a 6 for 480 on 2024-03-01", "c 7 for 336 on 2025-03-01"],
}


def with_purchase(inputs: RebalanceInputs, bought: int) -> RebalanceInputs:
    """The household bought so many shares in another account, which wash as many at a loss."""
    (security,) = inputs.securities
    assert security.price is not None
    lots = [
        replace(lot, washable=min(lot.quantity, Decimal(bought)), order=number)
        if lot.cost_basis > lot.quantity * security.price
        else replace(lot, order=number)
        for number, lot in enumerate(security.lots)
    ]
    purchase = Purchase("one", Decimal(bought), datetime(2026, 5, 20, tzinfo=UTC), 9, 9, False)
    return replace(
        inputs,
        securities=(replace(security, lots=tuple(lots), identity_group="one"),),
        purchases=(purchase,) if bought else (),
    )


def cost(inputs: RebalanceInputs, parts: Sequence[tuple[Lot, Decimal]]) -> float | None:
    """Tax, turnover and penalties of selling these parts; None if that may not be done."""
    task = program(inputs=inputs, aims=aims(inputs=inputs))
    (item,), (security,) = task.items, inputs.securities
    assert security.price is not None
    sold = sum((quantity for _, quantity in parts), Decimal(0))
    proceeds = sold * security.price
    if inputs.cash + proceeds < inputs.cash_floor or float(sold) > item.sell_max + 1e-9:
        return None  # no sale takes a security below its band
    tax = 0.0
    if sold:
        lines = sale_lines(inputs=inputs, sold={0: (parts, proceeds)})[0]
        tax = float(sum(line.estimated_tax for line in lines))
    left = float(security.price * security.quantity - proceeds)
    pull = item.phi.at(left) + task.cash_phi.at(float(inputs.cash + proceeds))
    return tax + TURNOVER * float(proceeds) + pull


def enumerated(inputs: RebalanceInputs) -> float:
    lots = inputs.securities[0].lots
    counts = product(*(range(int(lot.quantity) + 1) for lot in lots))
    found = []
    for chosen in counts:
        parts = [(lot, Decimal(n)) for lot, n in zip(lots, chosen, strict=True) if n]
        if (value := cost(inputs, parts)) is not None:
            found.append(value)
    return min(found)


@pytest.mark.parametrize("bought", [0, 2, 5, 8, 20])
@pytest.mark.parametrize("lots", LOTS)
@pytest.mark.parametrize("table", TABLES)
def test_no_enumerated_sale_is_cheaper(
    account: AccountTable, table: str, lots: str, bought: int
) -> None:
    text = "\n  ".join([TABLES[table], *LOTS[lots]])
    inputs = with_purchase(account(text), bought)
    result = rebalance(inputs=inputs)
    named: dict[Any, Lot] = {lot.lot_id: lot for lot in inputs.securities[0].lots}
    sold: dict[Any, Decimal] = {}
    for trade in result.trades:
        assert trade.side == "sell"
        for lot in trade.lots:
            sold[lot.lot_id] = sold.get(lot.lot_id, Decimal(0)) + lot.quantity
    made = cost(inputs, [(named[lot_id], quantity) for lot_id, quantity in sold.items()])
    assert made is not None
    assert made <= enumerated(inputs) + 0.02, (sold, result.totals)


def test_the_allowed_part_of_a_loss_is_harvested(account: AccountTable) -> None:
    text = "\n  ".join([TABLES["harvest"], *LOTS["one"]])
    partly, fully = (rebalance(inputs=with_purchase(account(text), n)) for n in (2, 9))
    assert fully.trades == ()
    (trade,) = partly.trades
    assert (trade.quantity, trade.reason) == (Decimal(8), "harvest_loss")
    # 30 lost a share, 20 % long-term tax, on the six of eight shares that nothing replaces
    assert trade.estimated_tax == Decimal("-36.00")
    assert sum(lot.disallowed_loss for lot in trade.lots) == 60
