"""How floats of the solver become quantities that can be traded."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from recommendations.engine.problem import RebalanceInputs
from recommendations.engine.program import aims, program
from recommendations.engine.solver import Solution
from recommendations.engine.trades import fills

AccountTable = Callable[..., RebalanceInputs]


@pytest.mark.parametrize(
    ("held", "sold"), [("1.0000005", "1.0000005"), ("1.000001", "1"), ("1.000002", "1")]
)
def test_a_rest_smaller_than_a_step_is_sold_too(
    held: str, sold: str, account: AccountTable
) -> None:
    inputs = account(f"cash 0\nA target 0 band 0 price 100\n  a {held} for 50 on 2020-01-01")
    nearly_one = Solution((0.9999999,), (False,), 0.0, 0.0, 0.0, 0.0, 0)
    solvable = program(inputs=inputs, aims=aims(inputs=inputs))
    (fill,) = fills(inputs=inputs, program=solvable, solution=nearly_one)
    assert fill.sold == Decimal(sold)
