"""Cells of an unknown table pasted in a real browser, mapped with a live sample, recorded."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.effort import one_view

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AUDIT = runpy.run_path(str(Path(__file__).with_name("test_accessibility.py")))["AUDIT"]
CELLS = "\n".join(
    "\t".join(cells)
    for cells in (
        ("Buchungstag", "Vorgang", "Wertpapier", "Stück", "Kurs", "Betrag", "Valuta Nr."),
        ("03.01.2024", "Einzahlung", "", "", "", "5.000,00", "1"),
        ("04.01.2024", "Kauf", "AAA", "2", "50,25", "-100,50", "2"),
        ("05.01.2024", "Kauf", "BBB", "1.000", "20,00", "20.000,00", "3"),
        ("08.01.2024", "Sonderding", "AAA", "1", "51,00", "51,00", "4"),
        ("09.01.2024", "Auszahlung", "", "", "", "-250,00", "5"),
    )
)


@pytest.mark.parametrize(
    ("width", "theme"), one_view((1440, "light"), (1440, "dark"), (390, "dark"), (390, "light"))
)
def test_pasted_cells_are_mapped_with_a_live_sample(
    visit: Callable[..., Any], owner: Any, invest: Any, width: int, theme: str
) -> None:
    visitor = visit(width=width, theme=theme)
    tab = visitor.tab

    def is_sound(name: str) -> None:
        assert tab.evaluate(AUDIT) == []
        visitor.must_fit()
        visitor.shoot(f"{name}-{theme}-{width}")

    visitor.log_in(owner)
    tab.goto(f"/accounts/{invest.public_id}/imports")
    tab.get_by_text("Columns of the template").click()
    is_sound("imports-help")
    tab.get_by_label("Or paste cells").fill(CELLS)
    tab.get_by_role("button", name="Preview").click()
    tab.get_by_role("heading", name="Pasted cells").wait_for()
    sample = tab.locator("#sample")
    assert "Deposit" in sample.inner_text()
    assert tab.evaluate(AUDIT) == []
    # Choosing another meaning shows at once what it would do.
    tab.get_by_label("A plus before an amount").select_option("out")
    sample.get_by_text("The sign of the amount contradicts the type.").first.wait_for()
    tab.get_by_label("A plus before an amount").select_option("in")
    sample.get_by_text("2 × 50.25").wait_for()
    tab.get_by_label("Wertpapier").select_option("symbol")
    tab.get_by_label("Sonderding").select_option("dividend")
    sample.get_by_text("Dividend").wait_for()
    is_sound("mapping-sample")
    tab.get_by_role("button", name="Preview all rows").click()
    tab.get_by_role("button", name="Record 4 transactions").wait_for()
    is_sound("mapping-preview")
    tab.get_by_role("link", name="Change how it is read").click()
    assert tab.get_by_label("Sonderding").input_value() == "dividend"
    tab.get_by_role("button", name="Preview all rows").click()
    tab.get_by_role("button", name="Record 4 transactions").click()
    tab.get_by_text("Recorded 4 transactions.").wait_for()
