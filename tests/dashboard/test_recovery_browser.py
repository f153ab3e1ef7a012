"""A mistake repaired in a real browser: warned about, recorded, corrected, hidden."""

import runpy
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.effort import one_view

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AUDIT = runpy.run_path(str(Path(__file__).with_name("test_accessibility.py")))["AUDIT"]


@pytest.mark.parametrize(
    ("width", "theme"), one_view((1440, "light"), (1440, "dark"), (390, "dark"), (390, "light"))
)
def test_a_mistake_is_warned_about_recorded_and_corrected(
    visit: Callable[..., Any], owner: Any, invest: Any, width: int, theme: str
) -> None:
    visitor = visit(width=width, theme=theme)
    tab = visitor.tab

    def is_sound(name: str) -> None:
        assert tab.evaluate(AUDIT) == []
        visitor.must_fit()
        visitor.shoot(f"{name}-{theme}-{width}")

    visitor.log_in(owner)
    tab.goto(f"/accounts/{invest.public_id}/transactions")
    tab.get_by_label("Type").select_option("withdrawal")
    tab.get_by_label("Amount", exact=True).fill("33000")
    tab.get_by_role("button", name="Record", exact=True).click()
    # One more click records it in spite of the warning.
    tab.get_by_text("the account's cash is -29700.00 USD").wait_for()
    is_sound("entry-warned")
    invest.refresh_from_db()
    assert invest.cash == Decimal(3300)
    tab.get_by_role("button", name="Record as it is").click()
    tab.get_by_text("Recorded the withdrawal.").wait_for()
    is_sound("transactions-before")
    tab.get_by_role("link", name="Edit withdrawal").click()
    tab.get_by_role("heading", name="Edit withdrawal").wait_for()
    assert tab.get_by_label("Amount", exact=True).input_value() == "33000"
    is_sound("transaction-edit")
    tab.get_by_label("Amount", exact=True).fill("330")
    tab.get_by_role("button", name="Save", exact=True).click()
    tab.get_by_text("The transaction was corrected.").wait_for()
    rows = tab.locator("#transaction-rows tr")
    assert rows.count() == 5
    assert "corrected" in rows.first.inner_text()
    tab.get_by_role("link", name="With reversed").click()
    tab.get_by_text("Reversal of withdrawal").wait_for()
    assert rows.count() == 7
    is_sound("transactions-with-reversed")
    invest.refresh_from_db()
    assert invest.cash == Decimal(2970)
