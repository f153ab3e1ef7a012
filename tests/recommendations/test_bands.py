"""Bands at their edge, and around a target of nothing."""

from collections.abc import Callable

import pytest

from recommendations.engine.problem import RebalanceInputs
from recommendations.engine.rebalancing import rebalance
from recommendations.engine.result import RebalanceResult

AccountTable = Callable[..., RebalanceInputs]
Sentences = Callable[[RebalanceResult], list[str]]


@pytest.mark.parametrize(
    ("held", "basis", "trades"),
    [
        ("54", "5400", []),
        # 5,410 is above 5,005 + 400.40 and comes back to 5,005 + 7/8 of 400.40.
        ("54.1", "5410", ["sell 0.5465 A for 54.65 (0.5465 of a), tax 0.00: over_band"]),
    ],
)
def test_the_edge_of_a_band_belongs_to_it(
    held: str, basis: str, trades: list[str], account: AccountTable, sentences: Sentences
) -> None:
    """50 % and a band of 4 %: 54 % is inside."""
    result = rebalance(
        inputs=account(f"""
            cash 0
            A target 50 band 4 price 100 no-fees
              a {held} for {basis} on 2020-01-01
            B target 50 band 4 price 100 no-fees
              b 46 for 4600 on 2020-01-01
        """)
    )
    assert sentences(result)[:1] == trades


def test_a_security_without_a_target_is_not_bought_however_wide_its_band(
    account: AccountTable, sentences: Sentences
) -> None:
    result = rebalance(
        inputs=account("""
            cash 400
            A target 0 band 10 price 100 no-fees
            B target 100 band 10 price 100 no-fees no-buy
              b 96 for 9600 on 2020-01-01
        """)
    )
    assert sentences(result) == []
