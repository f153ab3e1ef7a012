"""A file imported in a real browser: sound pages, light and dark, wide and narrow."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.effort import one_view

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# What every page is held to.
AUDIT = runpy.run_path(str(Path(__file__).with_name("test_accessibility.py")))["AUDIT"]
FILE = b"""type,executed_at,symbol,name,quantity,price,amount,currency,note,lot_method
deposit,2024-01-02T12:00:00Z,,,,,5000,USD,,
buy,2024-01-03T12:00:00Z,AAA,,10,50,,USD,,
buy,2024-01-03T12:00:00Z,AAA,,10,50,,USD,,
buy,2024-01-04T12:00:00Z,AAA.DE,A company with quite a long name in Frankfurt,1,50,,USD,,
dance,2024-01-05T12:00:00Z,AAA,,1,50,,USD,,
sell,2024-02-05T12:00:00Z,AAA,,4,61.25,,USD,,
"""


@pytest.mark.parametrize(
    ("width", "theme"), one_view((1440, "light"), (390, "dark"), (390, "light"))
)
def test_a_file_is_imported_on_sound_pages(
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
    tab.get_by_label("File", exact=True).set_input_files(
        {"name": "history.csv", "mimeType": "text/csv", "buffer": FILE}
    )
    tab.get_by_role("button", name="Preview").click()
    tab.get_by_role("heading", name="history.csv").wait_for()
    is_sound("import-preview")
    tab.get_by_label("AAA.DE", exact=True).fill("BBB")
    tab.get_by_role("button", name="Save symbols", exact=True).click()
    tab.get_by_role("button", name="Record 5 transactions").click()
    tab.get_by_text("Recorded 5 transactions.").wait_for()
    is_sound("import-recorded")
    tab.on("dialog", lambda dialog: dialog.accept())
    tab.get_by_role("button", name="Undo import").click()
    tab.get_by_text("each of its transactions was reversed").wait_for()
    tab.goto(f"/accounts/{invest.public_id}/imports")
    is_sound("imports")


CLICKS_MAX = 6
BROKER = b"""type,executed_at,symbol,name,quantity,price,amount,currency
deposit,2024-01-02T12:00:00Z,,,,,5000,USD
buy,2024-01-03T12:00:00Z,AAA,,10,50,,USD
buy,2024-01-04T12:00:00Z,NEWCO,A company that nobody knows,4,25,,USD
"""


@pytest.mark.parametrize("width", one_view(1440, 390))
def test_a_fresh_account_needs_six_clicks_for_a_file_with_an_unknown_symbol(
    visit: Callable[..., Any], owner: Any, assets: Any, width: int
) -> None:
    """From the page on which a new account begins to its recorded file."""
    from transactions.models import Transaction

    visitor = visit(width=width)
    tab = visitor.tab
    clicks = 0

    def click(control: Any) -> None:
        nonlocal clicks
        clicks += 1
        control.click()

    visitor.log_in(owner)
    tab.goto("/accounts/new")
    tab.get_by_label("Name").fill("Fresh")
    tab.get_by_role("button", name="Add account").click()
    tab.get_by_role("heading", name="Transactions", level=1).wait_for()

    click(tab.get_by_role("link", name="Import and export"))
    with tab.expect_file_chooser() as chooser:
        click(tab.get_by_label("File", exact=True))
    chooser.value.set_files({"name": "all.csv", "mimeType": "text/csv", "buffer": BROKER})
    click(tab.get_by_role("button", name="Preview"))
    click(tab.get_by_role("button", name="Create NEWCO"))
    click(tab.get_by_role("button", name="Record 3 transactions"))
    tab.get_by_text("Recorded 3 transactions.").wait_for()
    assert clicks <= CLICKS_MAX
    assert Transaction.objects.count() == 3
