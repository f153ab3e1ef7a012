"""The pages of strategies in a real browser: sound, in both themes and widths, with the preview."""

from collections.abc import Callable
from typing import Any

import pytest

from recommendations.models import Strategy
from tests.dashboard.test_accessibility import AUDIT
from tests.effort import one_view

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("width", "theme"), one_view((1440, "light"), (320, "dark")))
def test_a_strategy_is_written_published_and_taken_over(
    visit: Callable[..., Any],
    owner: Any,
    invest: Any,
    quote: Callable[..., None],
    width: int,
    theme: str,
) -> None:
    quote(AAA="50", BBB="20")
    visitor = visit(width=width, theme=theme)
    tab = visitor.tab

    def is_sound(name: str) -> None:
        assert tab.evaluate(AUDIT) == [], name
        visitor.must_fit()
        visitor.shoot(f"{name}-{theme}-{width}")

    visitor.log_in(owner)
    tab.goto("/strategies/new")
    is_sound("strategy-new")
    tab.get_by_label("Name", exact=True).fill("Patient growth")
    tab.get_by_label("Summary").fill("Two funds, brought back four times a year.")
    tab.get_by_label("Description").fill("## Why\n\nBecause *costs* matter. <b>no</b>")
    for row, (symbol, share) in enumerate((("AAA", "60"), ("BBB", "30")), start=1):
        tab.get_by_label(f"Symbol or class, row {row}").fill(symbol)
        tab.get_by_label(f"Target in percent, row {row}").fill(share)
    preview = tab.locator("#strategy-preview")
    preview.get_by_text("must be 100%").wait_for()
    preview.locator("em", has_text="costs").wait_for()
    assert "<b>no</b>" in preview.inner_text()
    tab.get_by_label("Target in percent, row 2").fill("40")
    preview.get_by_text("adds up").wait_for()
    tab.get_by_role("button", name="Save draft").click()
    tab.get_by_role("heading", name="Patient growth").wait_for()
    is_sound("strategy-edit")
    tab.get_by_label("What changed, and why").fill("First version.")
    tab.get_by_role("button", name="Publish what is saved").click()
    tab.get_by_text("Version 1 is published").wait_for()
    is_sound("strategy-published")
    strategy = Strategy.objects.get()
    tab.goto("/strategies/mine")
    is_sound("strategies-mine")
    tab.goto(f"/strategies/{strategy.public_id}/clone")
    is_sound("strategy-clone")
    tab.get_by_label("Gains a calendar year").fill("500")
    tab.get_by_role("button", name="Take over and plan").click()
    tab.wait_for_url(f"**/accounts/{invest.public_id}/rebalance/**")
    assert tab.evaluate(AUDIT) == []
