"""The bound over all lots in columns never drops what the exact plan offers."""

from collections.abc import Callable
from decimal import Decimal as D

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.engine.arrays.columns import ACCOUNT, LOT, SECURITY, Columns
from recommendations.engine.fees import sale_fees
from recommendations.harvesting.options import HarvestOptions
from recommendations.harvesting.plan import harvest
from recommendations.harvesting.problem import HarvestInputs
from recommendations.harvesting.screening import worth_a_look
from recommendations.harvesting.tax_value import TaxPosition
from tests.effort import examples
from transactions.ledger.holding_period import is_long_term

Harvested = Callable[..., HarvestInputs]


def columns_of(inputs: HarvestInputs) -> Columns:
    """The same account as the columns of the engine."""
    account = inputs.account
    accounts = np.zeros(1, ACCOUNT)
    securities = np.zeros(len(account.securities), SECURITY)
    rows = [lot for security in account.securities for lot in security.lots]
    lots = np.zeros(len(rows), LOT)
    accounts["securities_end"] = len(securities)
    accounts["short_rate"] = float(account.settings.short_term_rate)
    accounts["long_rate"] = float(account.settings.long_term_rate)
    accounts["brokerage_fee"] = float(inputs.options.brokerage_fee)
    end = 0
    for n, security in enumerate(account.securities):
        fees = sale_fees(market=security.fee_market, as_of=account.as_of)
        securities[n]["lots_begin"], end = end, end + len(security.lots)
        securities[n]["lots_end"] = end
        securities[n]["price"] = float(security.price or 0)
        securities[n]["half_spread"] = float(security.half_spread_bp) / 10_000
        securities[n]["sec_rate"] = float(fees.sec_rate)
        securities[n]["taf_per_share"] = float(fees.taf_per_share)
        securities[n]["taf_cap"] = float(fees.taf_cap)
        securities[n]["may_sell"] = security.may_sell
    for n, lot in enumerate(rows):
        lots[n]["quantity"], lots[n]["basis"] = float(lot.quantity), float(lot.cost_basis)
        lots[n]["long_term"] = is_long_term(
            opened_date=lot.holding_period_date, sold_date=account.as_of
        )
    return Columns(accounts, securities, lots)


@pytest.mark.parametrize(("minimum", "kept"), [(100, True), (799, True), (801, False)])
def test_the_worked_example(to_harvest: Harvested, minimum: int, kept: bool) -> None:
    table = """
    OLD price 40 no-fees
      a 100 for 6000 on 2026-01-05
    """
    found = worth_a_look(columns_of(to_harvest(table)), minimum_benefit=minimum)
    assert found.tolist() == [kept]


def test_gains_blocked_and_unpriced_securities_are_dropped(to_harvest: Harvested) -> None:
    table = """
    A price 70
      a 100 for 6000 on 2026-01-05
    B price 40 no-sell
      b 100 for 6000 on 2026-01-05
    C spread 5
      c 100 for 6000 on 2026-01-05
    D price 40
    E price 40
      e 100 for 6000 on 2026-01-05
    """
    found = worth_a_look(columns_of(to_harvest(table)), minimum_benefit=100)
    assert found.tolist() == [False, False, False, False, True]


lot = st.tuples(st.integers(1, 500), st.integers(1, 60_000), st.booleans())


@settings(max_examples=examples(60))
@given(
    lots=st.lists(st.lists(lot, min_size=0, max_size=4), min_size=1, max_size=4),
    prices=st.lists(st.integers(1, 200), min_size=4, max_size=4),
    spread=st.integers(0, 40),
    gains=st.tuples(st.integers(-9000, 9000), st.integers(-9000, 9000)),
    brokerage=st.integers(0, 20),
    minimum=st.integers(0, 300),
)
def test_what_is_offered_was_kept(
    lots: list[list[tuple[int, int, bool]]],
    prices: list[int],
    spread: int,
    gains: tuple[int, int],
    brokerage: int,
    minimum: int,
) -> None:
    from dataclasses import replace

    from tests.recommendations.harvesting.conftest import POSITION, _inputs

    lines, number = ["REST price 10"], 0
    for n, rows in enumerate(lots):
        lines.append(f"S{n} price {prices[n]} spread {spread}")
        for quantity, basis, old in rows:
            day = "2024-01-05" if old else "2026-01-05"
            lines.append(f"l{number} {quantity} for {basis} on {day}")
            number += 1
    position: TaxPosition = replace(POSITION, short_term=D(gains[0]), long_term=D(gains[1]))
    options = HarvestOptions(
        minimum_benefit=D(minimum),
        minimum_benefit_percentage=D(0),
        brokerage_fee=D(brokerage),
    )
    inputs = _inputs(
        "\n".join(lines),
        alike={f"S{n}": ["REST"] for n in range(len(lots))},
        position=position,
        options=options,
    )
    kept = worth_a_look(columns_of(inputs), minimum_benefit=float(minimum))
    symbols = [security.symbol for security in inputs.account.securities]
    for offer in harvest(inputs=inputs).offers:
        assert kept[symbols.index(offer.symbol)], offer
