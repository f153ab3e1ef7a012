"""The table of holdings, the page of an asset and that of income in a real browser."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from tests.dashboard.conftest import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def paid(sold: Any, owner: Any) -> Any:
    """An account with holdings, sales and a dividend."""
    from transactions.ledger.entries import Entry
    from transactions.operations import record

    now = timezone.now()
    entry = Entry("dividend", now - timedelta(days=40), "USD", "AAA", amount=D("24.00"))
    record(account=sold, entries=[entry], user=owner, now=now)
    return sold


def test_a_person_sorts_chooses_columns_and_opens_an_asset(
    owner: Any, paid: Any, history: None, visit: Callable[..., Any]
) -> None:
    person = visit()
    person.log_in(owner)
    tab = person.tab
    tab.goto("/holdings")
    tab.get_by_role("link", name="Gain", exact=True).click()
    tab.wait_for_url("**/holdings?sort=-gain")
    assert tab.locator("th[aria-sort=descending]").inner_text().startswith("Gain")
    tab.get_by_text("Columns", exact=True).click()
    tab.get_by_label("Quantity").check()
    tab.get_by_label("Class").last.uncheck()
    tab.get_by_role("button", name="Save columns").click()
    tab.wait_for_url("**/holdings?sort=-gain")
    heads = tab.locator("table.lines thead th").all_inner_texts()
    assert "Quantity" in heads
    assert "Class" not in heads
    person.shoot("holdings")
    tab.get_by_role("link", name="AAA").first.click()
    tab.wait_for_url("**/assets/AAA")
    wait_until(tab, "document.querySelector('#chart canvas') !== null")
    wait_until(tab, "document.getElementById('chart-said').textContent.includes('own trades')")
    person.shoot("asset")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_fit_a_narrow_phone(
    owner: Any, paid: Any, visit: Callable[..., Any], theme: str
) -> None:
    person = visit(width=320, theme=theme)
    person.log_in(owner)
    for address in ("/holdings", "/holdings?group=account", "/assets/BBB", "/income"):
        person.tab.goto(address)
        person.must_fit()


def test_the_table_needs_no_script(owner: Any, paid: Any, visit: Callable[..., Any]) -> None:
    person = visit(java_script_enabled=False)
    person.log_in(owner)
    tab = person.tab
    tab.goto("/holdings")
    tab.get_by_label("Losses only").check()
    tab.get_by_role("button", name="Apply").click()
    assert tab.locator("tbody th a").all_inner_texts() == ["BBB"]
    tab.get_by_role("link", name="Clear filters").click()
    assert len(tab.locator("tbody th a").all_inner_texts()) == 4


def test_names_are_whole_where_there_is_room(
    owner: Any, paid: Any, visit: Callable[..., Any]
) -> None:
    from marketdata.models import Asset

    Asset.objects.filter(symbol="AAA").update(name="iShares MSCI USA Quality Factor ETF")
    person = visit()
    person.log_in(owner)
    person.tab.goto(f"/accounts/{paid.public_id}")
    cut = "(all) => all.filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent)"
    assert person.tab.locator(".holdings .clip").evaluate_all(cut) == []
