"""A file imported in a real browser: sound pages, light and dark, wide and narrow."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark"), (390, "light")])
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
    tab.get_by_label("AAA.DE").fill("BBB")
    tab.get_by_role("button", name="Save symbols").click()
    tab.get_by_role("button", name="Record 5 transactions").click()
    tab.get_by_text("Recorded 5 transactions.").wait_for()
    is_sound("import-recorded")
    tab.on("dialog", lambda dialog: dialog.accept())
    tab.get_by_role("button", name="Undo Import").click()
    tab.get_by_text("each of its transactions was reversed").wait_for()
    tab.goto(f"/accounts/{invest.public_id}/imports")
    is_sound("imports")
