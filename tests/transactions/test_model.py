"""The independent model against every published figure: it must be right before it may judge."""

import pytest

from tests.transactions.model.scenarios import SCENARIOS
from tests.transactions.model.table import by_the_model, ledger


@pytest.mark.parametrize("text", SCENARIOS.values(), ids=SCENARIOS)
def test_the_model_knows_the_scenario(text: str) -> None:
    table = ledger(text)
    gains, lots = by_the_model(table)
    assert gains == table.gains
    assert lots == table.lots
