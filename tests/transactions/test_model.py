"""The independent model against every published figure: it must be right before it may judge."""

import pytest

from tests.transactions.model.cases import CASES
from tests.transactions.model.published import BASIS, WASH_SALES
from tests.transactions.model.scenarios import SCENARIOS
from tests.transactions.model.table import by_the_model, ledger

TABLES = SCENARIOS | WASH_SALES | BASIS | CASES


@pytest.mark.parametrize("text", TABLES.values(), ids=TABLES)
def test_the_model_knows_the_example(text: str) -> None:
    table = ledger(text)
    gains, lots = by_the_model(table)
    assert gains == table.gains
    assert lots == table.lots
