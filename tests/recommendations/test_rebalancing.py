"""Rebalancing by example. Rates: 40 % short, 20 % long; a dollar outside its band costs 0.10."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from core.errors import Conflict
from core.money import quantize
from recommendations.engine.problem import (
    Block,
    Purchase,
    RebalanceInputs,
    Settings,
    inputs_from_json,
    inputs_json,
)
from recommendations.engine.rebalancing import ENGINE_VERSION, rebalance, result_json
from recommendations.engine.result import RebalanceResult
from recommendations.engine.solver import CashFloorUnreachable

AccountTable = Callable[..., RebalanceInputs]
Sentences = Callable[[RebalanceResult], list[str]]
SETTINGS = Settings(
    short_term_rate=Decimal("0.40"),
    long_term_rate=Decimal("0.20"),
    drift_penalty=Decimal("0.10"),
    loss_harvesting=True,
)

CASES = {
    "new cash goes to what is below its band before anything is sold": (
        """
        cash 1000
        A target 50 band 5 price 100 no-fees
          a 50 for 2000 on 2020-01-01
        B target 50 band 5 price 50 no-fees
          b 80 for 3000 on 2020-01-01
        """,
        ["buy 20 B for 1000.00: under_band"],
    ),
    "new cash is divided among securities inside their bands": (
        """
        cash 1000
        A target 50 band 10 price 100 no-fees
          a 45 for 2000 on 2020-01-01
        B target 50 band 10 price 50 no-fees
          b 90 for 3000 on 2020-01-01
        """,
        ["buy 5 A for 500.00: invest_cash", "buy 10 B for 500.00: invest_cash"],
    ),
    "inside the bands nothing is traded": (
        """
        cash 0
        A target 50 band 5 price 100 no-fees
          a 54 for 2000 on 2020-01-01
        B target 50 band 5 price 50 no-fees
          b 92 for 3000 on 2020-01-01
        """,
        [],
    ),
    "out of its band a security comes back to seven eighths of it": (
        # A: 60 % against 50 ± 4 goes to 53.5 %; B: 40 % goes to 46.5 %.
        """
        cash 0
        A target 50 band 4 price 100 no-fees
          a 60 for 6000 on 2020-01-01
        B target 50 band 4 price 50 no-fees
          b 80 for 3000 on 2020-01-01
        """,
        [
            "sell 6.5 A for 650.00 (6.5 of a), tax 0.00: over_band",
            "buy 13 B for 650.00: under_band",
        ],
    ),
    "within a term the highest basis is sold first": (
        """
        cash 0
        A target 60 band 0 price 100 no-fees
          low 50 for 2000 on 2020-01-01
          high 50 for 4500 on 2020-01-01
        B target 40 band 0 price 50 no-fees
        """,
        # 40 x (100 - 90) x 20 %
        [
            "sell 40 A for 4000.00 (40 of high), tax 80.00: over_band",
            "buy 80 B for 4000.00: under_band",
        ],
    ),
    "the highest basis is not the least tax when terms differ": (
        # Short: 40 % of 20 = 8 a share. Long, with the lower basis: 20 % of 30 = 6 a share.
        """
        cash 0
        A target 80 band 0 price 100 no-fees
          short 50 for 4000 on 2026-05-01
          long  50 for 3500 on 2020-01-01
        B target 20 band 0 price 50 no-fees
        """,
        [
            "sell 20 A for 2000.00 (20 of long), tax 120.00: over_band",
            "buy 40 B for 2000.00: under_band",
        ],
    ),
    "lots are taken across terms where the tax per dollar crosses": (
        # Tax a share: long-high 2, short 4, long-low 16.
        """
        cash 0
        A target 30 band 0 price 100 no-fees
          long-low  30 for  600 on 2020-01-01
          long-high 30 for 2700 on 2020-01-01
          short     40 for 3600 on 2026-05-01
        B target 70 band 0 price 50 no-fees
        """,
        [
            "sell 70 A for 7000.00 (30 of long-high, 40 of short), tax 220.00: over_band",
            "buy 140 B for 7000.00: under_band",
        ],
    ),
    "one day decides the term: long on the anniversary of the first holding day": (
        # On 2026-06-01 a lot of 2025-05-31 is long, one of 2025-06-01 short.
        """
        cash 0
        A target 90 band 0 price 100 no-fees
          older 50 for 4000 on 2025-05-31
          newer 50 for 4000 on 2025-06-01
        B target 10 band 0 price 50 no-fees
        """,
        [
            "sell 10 A for 1000.00 (10 of older), tax 40.00: over_band",
            "buy 20 B for 1000.00: under_band",
        ],
    ),
    "tax that outweighs the drift stops the sale": (
        """
        cash 0
        A target 50 band 5 price 100 no-fees
          a 56 for 100 on 2026-05-01
        B target 50 band 5 price 50 no-fees
          b 88 for 100 on 2020-01-01
        """,
        [],
    ),
    "what has no target is sold": (
        """
        cash 0
        A target 100 band 5 price 100 no-fees
          a 60 for 2000 on 2020-01-01
        B target 0 band 0 price 50 no-fees
          b 80 for 3800 on 2020-01-01
        """,
        [
            "buy 40 A for 4000.00: under_band",
            "sell 80 B for 4000.00 (80 of b), tax 40.00: no_target",
        ],
    ),
    "a withdrawal is raised where it costs least tax, down to the band's edge": (
        # Targets of the 9,000 left: A 5,400, B 3,600, each ± 500. B's tax is 0.01 a dollar, A's
        # 0.13; B gives 900 down to 3,100, A the other 100.
        """
        cash 0 floor 1000
        A target 60 band 5 price 100 no-fees
          a 60 for 2000 on 2020-01-01
        B target 40 band 5 price 50 no-fees
          b 80 for 3800 on 2020-01-01
        """,
        [
            "sell 1 A for 100.00 (1 of a), tax 13.33: raise_cash",
            "sell 18 B for 900.00 (18 of b), tax 9.00: raise_cash",
        ],
    ),
    "a withdrawal of everything sells everything": (
        """
        cash 0 floor 9000
        A target 50 band 5 price 100 no-fees
          a 50 for 5000 on 2026-05-01
        B target 50 band 5 price 50 no-fees
          b 80 for 4000 on 2020-01-01
        """,
        [
            "sell 50 A for 5000.00 (50 of a), tax 0.00: over_band",
            "sell 80 B for 4000.00 (80 of b), tax 0.00: raise_cash",
        ],
    ),
    "a debt is paid first": (
        """
        cash -500
        A target 100 band 20 price 100 no-fees
          a 60 for 3000 on 2020-01-01
        """,
        ["sell 5 A for 500.00 (5 of a), tax 50.00: raise_cash"],
    ),
    "cash has a target and a band of its own": (
        """
        cash 1000 target 10 band 2
        A target 90 band 5 price 100 no-fees
          a 91 for 9000 on 2020-01-01
        """,
        [],
    ),
    "whole shares leave the rest in cash": (
        """
        cash 1000
        A target 100 band 0 price 30 no-fees whole
        """,
        ["buy 33 A for 990.00: under_band"],
    ),
    "a security that may not be bought leaves the others to their own bands": (
        """
        cash 600
        A target 50 band 5 price 100 no-fees no-buy
          a 40 for 4000 on 2020-01-01
        B target 50 band 5 price 50 no-fees
          b 92 for 4600 on 2020-01-01
        """,
        ["buy 9.2 B for 460.00: invest_cash"],
    ),
    "a loss is taken inside the band and the proceeds go elsewhere": (
        # 60 % of a dollar sold is loss, worth 0.24; A goes to its lower edge, B to its upper one.
        """
        cash 0
        A target 50 band 10 price 100 no-fees
          a 50 for 8000 on 2026-05-01
        B target 50 band 10 price 50 no-fees
          b 100 for 3000 on 2020-01-01
        """,
        [
            "sell 10 A for 1000.00 (10 of a), tax -240.00: harvest_loss",
            "buy 20 B for 1000.00: reinvest_proceeds",
        ],
    ),
}


@pytest.mark.parametrize(("table", "trades"), CASES.values(), ids=CASES.keys())
def test_by_example(
    table: str, trades: list[str], account: AccountTable, sentences: Sentences
) -> None:
    result = rebalance(inputs=account(table))
    assert sentences(result) == trades
    assert result.optimality_gap_bps < Decimal("0.001")


TWO = """
cash 0
A target 50 band 1 price 100 no-fees
  a 52 for 5100 on 2020-01-01
B target 50 band 1 price 50 no-fees
  b 96 for 4700 on 2020-01-01
"""


def test_a_trade_below_the_minimum_is_not_proposed(
    account: AccountTable, sentences: Sentences
) -> None:
    small = replace(SETTINGS, minimum_trade=Decimal("112.50"))
    assert sentences(rebalance(inputs=account(TWO, settings=small))) == [
        "sell 1.125 A for 112.50 (1.125 of a), tax 0.43: over_band",
        "buy 2.25 B for 112.50: under_band",
    ]
    large = replace(SETTINGS, minimum_trade=Decimal(500))
    result = rebalance(inputs=account(TWO, settings=large))
    assert result.trades == ()
    assert [(row.symbol, row.reason) for row in result.skipped] == [
        ("A", "below_minimum_trade"),
        ("B", "below_minimum_trade"),
    ]


def test_a_brokerage_fee_is_paid_only_where_the_drift_is_worth_it(account: AccountTable) -> None:
    free = rebalance(inputs=account(TWO))
    assert [trade.fees for trade in free.trades] == [0, 0]
    # 112.50 outside the band and 112.50 short of it save 22.50: two fees of 10 are worth it ...
    ten = rebalance(inputs=account(TWO, settings=replace(SETTINGS, brokerage_fee=Decimal(10))))
    assert [trade.fees for trade in ten.trades] == [10, 10]
    # ... two of 14 are not, though a fee lowers the tax.
    dear = rebalance(inputs=account(TWO, settings=replace(SETTINGS, brokerage_fee=Decimal(14))))
    assert dear.trades == ()


def test_whole_shares_are_whole_for_every_security_when_asked_for(account: AccountTable) -> None:
    # One and two shares would leave 12.50 outside each band.
    whole = rebalance(inputs=account(TWO, settings=replace(SETTINGS, whole_shares=True)))
    assert [(trade.side, trade.quantity) for trade in whole.trades] == [
        ("sell", Decimal(2)),
        ("buy", Decimal(4)),
    ]


def test_a_retirement_account_pays_no_tax_and_saves_none(account: AccountTable) -> None:
    ira = replace(SETTINGS, short_term_rate=Decimal(0), long_term_rate=Decimal(0))
    table, _ = CASES["a loss is taken inside the band and the proceeds go elsewhere"]
    assert rebalance(inputs=account(table, settings=ira)).trades == ()


def test_losses_are_not_harvested_when_it_is_off_but_still_reported(account: AccountTable) -> None:
    off = replace(SETTINGS, loss_harvesting=False)
    table, _ = CASES["a loss is taken inside the band and the proceeds go elsewhere"]
    assert rebalance(inputs=account(table, settings=off)).trades == ()
    forced = account(table.replace("cash 0", "cash 0 floor 2500"), settings=off)
    result = rebalance(inputs=forced)
    assert result.totals.tax_short < 0


def test_a_loss_the_household_bought_into_saves_no_tax(account: AccountTable) -> None:
    table, _ = CASES["a loss is taken inside the band and the proceeds go elsewhere"]
    inputs = account(table)
    young = replace(inputs.securities[0], identity_group="one")
    lots = tuple(replace(lot, washable=lot.quantity) for lot in young.lots)
    bought = Purchase("one", Decimal(1000), datetime(2026, 5, 20, tzinfo=UTC), 9, 9, permanent=True)
    held = replace(
        inputs,
        securities=(replace(young, lots=lots), inputs.securities[1]),
        purchases=(bought,),
    )
    assert rebalance(inputs=held).trades == ()
    forced = rebalance(inputs=replace(held, cash_floor=Decimal(2500)))
    losses = [lot for trade in forced.trades for lot in trade.lots if lot.gain < 0]
    assert losses
    assert all(lot.disallowed_loss == -lot.gain for lot in losses)
    assert all(lot.estimated_tax == 0 for lot in losses)
    few = replace(bought, quantity=Decimal(1))
    partly = rebalance(inputs=replace(held, purchases=(few,), cash_floor=Decimal(2500)))
    assert partly.trades[0].quantity == forced.trades[0].quantity
    (lot,) = (lot for trade in partly.trades for lot in trade.lots if lot.gain < 0)
    assert lot.disallowed_loss == -quantize(lot.gain / lot.quantity, "USD")
    assert lot.estimated_tax < 0


GROUP = """
cash 3000
A target 35 band 5 price 100 no-fees group sp500
  a 35 for 7000 on 2026-05-01
B target 35 band 1 price 50 no-fees group sp500
  b 10 for  400 on 2020-01-01
C target 30 band 5 price 20 no-fees
  c 150 for 3000 on 2020-01-01
"""


def test_a_loss_is_not_taken_while_the_identical_security_is_bought(account: AccountTable) -> None:
    inputs = account(GROUP)
    result = rebalance(inputs=inputs)
    sides = {trade.symbol: trade.side for trade in result.trades}
    assert sides == {"B": "buy"}
    apart = tuple(replace(security, identity_group=None) for security in inputs.securities)
    alone = rebalance(inputs=replace(inputs, securities=apart))
    sides = {trade.symbol: trade.side for trade in alone.trades}
    assert sides == {"A": "sell", "B": "buy", "C": "buy"}


def test_a_blocked_side_is_skipped_with_its_reason_and_its_last_day(account: AccountTable) -> None:
    result = rebalance(
        inputs=account(
            """
            cash 0
            A target 50 band 5 price 100 no-sell
              a 80 for 8000 on 2020-01-01
            B target 50 band 5 price 50 no-buy because wash_sale_window until 2026-06-30
              b 40 for 2000 on 2020-01-01
            """
        )
    )
    assert result.trades == ()
    assert [(row.symbol, row.reason, row.until) for row in result.skipped] == [
        ("A", "restricted_no_sell", None),
        ("B", "wash_sale_window", date(2026, 6, 30)),
    ]
    assert result.skipped[1].explanation == (
        "B is not traded: 20.0 % of the account, target 50.0 % ± 5.0 %; buying it would disallow"
        " a loss of the last 30 days, through 2026-06-30."
    )


def test_every_security_not_traded_says_why(account: AccountTable) -> None:
    table, _ = CASES["tax that outweighs the drift stops the sale"]
    result = rebalance(inputs=account(table))
    assert [row.reason for row in result.skipped] == ["tax_exceeds_benefit"] * 2
    no_way = rebalance(inputs=account(table.replace("price 100 no-fees", "price 100 no-sell")))
    assert [row.reason for row in no_way.skipped] == ["restricted_no_sell", "no_cash"]
    unpriced = table + "C target 0 band 0\n"
    assert rebalance(inputs=account(unpriced)).skipped[2].reason == "no_price"
    within = rebalance(inputs=account(CASES["inside the bands nothing is traded"][0]))
    assert [row.reason for row in within.skipped] == ["within_band"] * 2


def test_a_sale_is_priced_to_the_cent(account: AccountTable) -> None:
    # Half spread 5 bp; on 2026-06-01 the SEC takes 20.60 a million, the TAF 0.000195 a share.
    result = rebalance(
        inputs=account(
            """
            cash 0 floor 59000
            A target 100 band 0 price 60 spread 5
              a 4000 for 200000 on 2020-01-01
            """
        )
    )
    (trade,) = result.trades
    # 983.848723 shares raise 59,000 before rounding and a cent less after it: 59,030.92 - 29.52 -
    # 1.22 - 0.19. The sale grows by what a cent is worth, and a step.
    assert trade.quantity == Decimal("983.848891")
    assert (trade.value, trade.spread_cost, trade.fees) == (
        Decimal("59030.93"),
        Decimal("29.52"),
        Decimal("1.41"),
    )
    (lot,) = trade.lots
    assert lot.proceeds == trade.value - trade.cost == Decimal("59000.00")
    assert lot.cost_basis == Decimal("49192.44")
    assert lot.gain == Decimal("9807.56")
    assert trade.estimated_tax == result.totals.tax_long == Decimal("1961.51")
    assert result.totals.cash_after == Decimal("59000.00")


def test_drift_is_half_the_sum_of_deviations_cash_included(account: AccountTable) -> None:
    result = rebalance(inputs=account(CASES["what has no target is sold"][0]))
    assert result.before.total == Decimal("0.4")
    assert [(row.symbol, row.drift) for row in result.before.securities] == [
        ("A", Decimal("-0.4")),
        ("B", Decimal("0.4")),
    ]
    assert result.after.total == 0
    with_cash = rebalance(inputs=account(CASES["whole shares leave the rest in cash"][0]))
    assert (with_cash.before.total, with_cash.after.total) == (Decimal(1), Decimal("0.01"))


def test_an_empty_account_gets_no_trades(account: AccountTable) -> None:
    result = rebalance(inputs=account("cash 0\nA target 100 band 5 price 100"))
    assert result.trades == ()
    assert [row.reason for row in result.skipped] == ["account_empty"]
    assert result.before.total == result.after.total == result.optimality_gap_bps == 0


@pytest.mark.parametrize(
    "table",
    [
        "cash -500\nA target 100 band 5 price 100 no-sell\n a 60 for 2000 on 2020-01-01",
        "cash 0 floor 6001\nA target 100 band 5 price 100\n a 60 for 2000 on 2020-01-01",
        "cash 0 floor 6000\nA target 100 band 5 price 100\n a 60 for 2000 on 2020-01-01",
        "cash -1\nA target 100 band 5 price 100",
    ],
    ids=["sales blocked", "more than there is", "all but the fees", "nothing held"],
)
def test_a_floor_that_cannot_be_reached_is_refused_by_its_code(
    table: str, account: AccountTable
) -> None:
    with pytest.raises(CashFloorUnreachable) as refusal:
        rebalance(inputs=account(table))
    assert refusal.value.code == "cash_floor_unreachable"


def test_the_floor_may_break_a_band_when_nothing_else_can(account: AccountTable) -> None:
    result = rebalance(
        inputs=account(
            """
            cash 0 floor 5000
            A target 50 band 0 price 100 no-fees no-sell
              a 50 for 5000 on 2020-01-01
            B target 50 band 0 price 50 no-fees
              b 100 for 5000 on 2020-01-01
            """
        )
    )
    assert [(trade.symbol, trade.quantity) for trade in result.trades] == [("B", Decimal(100))]
    assert result.totals.cash_after == 5000


def test_replaying_the_stored_inputs_gives_the_same_bytes(account: AccountTable) -> None:
    for table, _ in CASES.values():
        inputs = account(table)
        first = result_json(result=rebalance(inputs=inputs))
        stored = inputs_from_json(text=inputs_json(inputs=inputs))
        assert result_json(result=rebalance(inputs=stored)) == first


def test_inputs_of_another_engine_are_refused(account: AccountTable) -> None:
    with pytest.raises(Conflict) as refusal:
        rebalance(inputs=replace(account(TWO), engine_version="rebalance-0"))
    assert refusal.value.code == "engine_version_unknown"
    text = inputs_json(inputs=account(TWO)).replace(ENGINE_VERSION, "rebalance-1")
    with pytest.raises(Conflict, match="computed by engine rebalance-1"):
        inputs_from_json(text=text.replace('"fx_rate":"1",', ""))  # its fields were others too


def test_a_stale_price_closes_both_sides(account: AccountTable) -> None:
    inputs = account(TWO)
    stale = Block("price_stale")
    closed = replace(inputs.securities[0], buy_block=stale, sell_block=stale)
    result = rebalance(inputs=replace(inputs, securities=(closed, inputs.securities[1])))
    assert result.trades == ()
    assert result.skipped[0].reason == "price_stale"
