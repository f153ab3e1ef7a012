"""The order in which the lots of one security are sold, when their losses are not wanted."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from recommendations.engine.problem import RebalanceInputs, Settings
from recommendations.engine.rebalancing import rebalance

AccountTable = Callable[..., RebalanceInputs]
SETTINGS = Settings(
    short_term_rate=Decimal("0.40"),
    long_term_rate=Decimal("0.20"),
    drift_penalty=Decimal("0.10"),
    loss_harvesting=False,
)


@pytest.mark.parametrize(
    ("one", "other", "first"),
    [
        ("10 for 1050 on 2024-01-01", "10 for 1200 on 2026-05-01", "b"),  # long 50, short 200
        ("10 for 1050 on 2026-05-01", "10 for 1200 on 2026-05-01", "b"),  # the larger loss
        ("10 for 1060 on 2026-05-01", "10 for 1100 on 2024-01-01", "a"),  # 60 at 40 %, 100 at 20 %
    ],
)
def test_a_loss_that_is_not_wanted_is_still_chosen_by_what_it_saves(
    account: AccountTable, one: str, other: str, first: str
) -> None:
    table = f"""
        cash 0 target 0 band 0 floor 900
        VTI  target 100 band 100 price 100
          a  {one}
          b  {other}
    """
    (trade,) = rebalance(inputs=account(table, settings=SETTINGS)).trades
    assert [lot.lot_id for lot in trade.lots] == [first]
