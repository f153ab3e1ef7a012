"""Corporate actions in a browser: proposed, looked at before and after, confirmed, withdrawn."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.dashboard.test_accessibility import AUDIT
from tests.effort import one_view
from transactions.models import Holding

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def units(account: Any) -> int:
    return int(Holding.objects.get(account=account, asset__symbol="AAA").quantity)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", one_view(1440, 390))
def test_an_event_is_sound_and_fits_from_its_proposal_to_its_withdrawal(
    visit: Callable[..., Any], owner: Any, invest: Any, width: int, theme: str
) -> None:
    visitor = visit(width=width, theme=theme)
    tab = visitor.tab
    visitor.log_in(owner)

    def sound(name: str) -> None:
        assert tab.evaluate(AUDIT) == [], name
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, name
        visitor.shoot(f"{name}-{theme}-{width}")

    tab.goto("/corporate-actions")
    sound("actions-empty")
    tab.get_by_label("Symbol", exact=True).fill("AAA")
    tab.get_by_label("Ex-day").fill((timezone.now() - timedelta(days=300)).date().isoformat())
    tab.get_by_label("Ratio of new to old shares").fill("3:2")
    tab.get_by_label("Announced in").fill("https://example.com/" + "form-8937-" * 12)
    tab.get_by_role("button", name="Propose").click()
    tab.get_by_role("heading", name="3:2 split of AAA").wait_for()
    tab.get_by_text("Lots before and after").click()
    assert tab.get_by_role("row", name="Units of AAA 80 120").is_visible()
    sound("action-proposed")
    assert units(invest) == 120  # 80 of then and 40 bought later
    tab.get_by_role("button", name="Confirm for my accounts").click()
    tab.get_by_text("The event is booked in your accounts.").wait_for()
    sound("action-booked")
    assert units(invest) == 160
    tab.goto("/corporate-actions")
    assert tab.get_by_role("row", name="3:2 split of AAA").get_by_text("Booked").is_visible()
    sound("actions")
    tab.get_by_role("link", name="3:2 split of AAA").click()
    tab.get_by_role("button", name="Withdraw from my accounts").click()
    tab.get_by_text("The transactions of the event were reversed.").wait_for()
    sound("action-withdrawn")
    assert units(invest) == 120


def test_the_form_shows_the_terms_of_the_kind_that_is_chosen(
    visit: Callable[..., Any], owner: Any, invest: Any
) -> None:
    visitor = visit()
    tab = visitor.tab
    visitor.log_in(owner)
    tab.goto("/corporate-actions")
    assert not tab.get_by_label("Cost basis moved, in percent").is_visible()
    tab.get_by_label("Event", exact=True).select_option("spin_off")
    assert tab.get_by_label("Cost basis moved, in percent").is_visible()
    assert not tab.get_by_label("Cash for each share").is_visible()
    tab.get_by_label("Event", exact=True).select_option("liquidation")
    assert tab.get_by_label("Cash for each share").is_visible()
    assert tab.get_by_label("The last payment").is_visible()
