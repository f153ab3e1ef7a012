"""The search and its commands, and the switch that hides amounts."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dashboard.commands import COMMANDS, matching_commands
from dashboard.pages.search import FOUND_MAX
from tests.dashboard.conftest import wait_until
from transactions.models import Account

PageClient = Callable[[Any], Client]
HTMX = {"HX-Request": "true"}


def test_a_command_is_found_by_the_beginnings_of_its_words() -> None:
    assert matching_commands("reb")[0].label == "Rebalance"
    assert matching_commands("FORM 89")[0].label == "Realized gains and Form 8949"
    assert matching_commands("csv")[0].label == "Import a file"
    assert matching_commands("balance") == (), "the middle of a word is no beginning"
    for one in COMMANDS:
        assert one in matching_commands(one.label)


@pytest.mark.django_db
def test_every_command_leads_to_a_page(page_client: PageClient, owner: Any) -> None:
    client = page_client(owner)
    for one in COMMANDS:
        assert client.get(reverse(one.page)).status_code == 200, one.label


def found(client: Client, text: str) -> str:
    answer = client.get("/search", {"q": text}, headers=HTMX)
    assert answer.status_code == 200
    body = answer.content.decode()
    assert "<html" not in body
    return body


@pytest.mark.django_db
def test_accounts_securities_and_transactions_are_found(
    page_client: PageClient, owner: Any, invest: Account
) -> None:
    client = page_client(owner)
    assert f'href="/accounts/{invest.public_id}"' in found(client, "arbo"), "part of a name"
    by_symbol = found(client, "aa")
    assert "<span>AAA</span>" in by_symbol
    assert "<span>Buy AAA</span>" in by_symbol
    assert "/activity?q=aa" in by_symbol
    # The whole page has the same results, without a script.
    page = client.get("/search", {"q": "aa"}).content.decode()
    assert page.count("<h1>") == 1
    assert "Buy AAA" in page
    assert "Record a transaction" in found(client, "")


@pytest.mark.django_db
def test_a_part_of_a_held_symbol_is_found_and_one_of_others_is_not(
    page_client: PageClient, people: Any, invest: Account
) -> None:
    from marketdata.models import Asset

    own = Asset.objects.create(
        symbol="XHOUSE",
        name="Own house",
        asset_class="fund",
        currency="USD",
        household=people.owner.household,
    )
    assert "<span>XHOUSE</span>" in found(page_client(people.owner), "XHOU")
    body = found(page_client(people.stranger), "XHOU")
    assert own.name not in body
    assert str(invest.public_id) not in found(page_client(people.stranger), "Harbour")


@pytest.mark.django_db
def test_the_search_is_bounded(page_client: PageClient, owner: Any, invest: Account) -> None:
    from django.utils import timezone

    from transactions.operations import open_account

    client = page_client(owner)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            found(client, "Harb")
        return len(captured)

    queries()
    before = queries()
    for number in range(20):
        now = timezone.now()
        open_account(user=owner, name=f"Harbour {number}", type="ira", currency="USD", now=now)
    assert found(client, "Harb").count('href="/accounts/') == FOUND_MAX
    assert queries() <= before
    refused = client.get("/search", {"q": "x" * 81})
    assert refused.status_code == 400
    assert "at most 80" in refused.content.decode()


@pytest.mark.django_db
def test_the_eye_hides_amounts_on_every_page_and_shows_them_again(
    page_client: PageClient, owner: Any, invest: Account, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    client = page_client(owner)
    answer = client.post("/privacy", {"next": f"/accounts/{invest.public_id}"})
    assert answer.headers["Location"] == f"/accounts/{invest.public_id}"
    for address in ("/", f"/accounts/{invest.public_id}", "/plan", "/activity", "/home/value"):
        body = client.get(address).content.decode()
        assert 'data-private="true"' in body, address
        for amount in ("11,300.00", "3,300.00", "10,000.00"):
            assert amount not in body, address
    home = client.get("/").content.decode()
    assert '<span data-base="total">$••••</span>' in home
    assert "53.1%" in client.get(f"/accounts/{invest.public_id}").content.decode(), "weights stay"
    client.post("/privacy", {"next": "//elsewhere.example"})
    assert "$11,300.00" in client.get("/").content.decode()


@pytest.mark.django_db
def test_the_eye_follows_no_link_to_another_site(page_client: PageClient, owner: Any) -> None:
    client = page_client(owner)
    for address in ("https://elsewhere.example/", "//elsewhere.example", ""):
        assert client.post("/privacy", {"next": address}).headers["Location"] == "/"
    assert client.get("/privacy").status_code == 405


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_palette_is_used_by_keyboard_alone(
    visit: Callable[..., Any], owner: Any, invest: Account, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    visitor = visit()
    tab = visitor.tab
    visitor.log_in(owner)
    tab.keyboard.press("Control+k")
    tab.get_by_role("option", name="Record a transaction").wait_for()
    tab.keyboard.type("harb")
    tab.get_by_role("option", name="Harbour").first.wait_for()
    wait_until(
        tab,
        "document.querySelector('#palette-found [aria-selected=true]')?.textContent"
        ".includes('Harbour')",
    )
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"**/accounts/{invest.public_id}")
    tab.keyboard.press("/")
    tab.get_by_role("combobox", name="Search securities").wait_for()
    tab.keyboard.press("Escape")
    assert not tab.locator("#palette").is_visible()
    tab.keyboard.press("?")
    tab.get_by_role("heading", name="Keyboard shortcuts").wait_for()
    tab.keyboard.press("Escape")
    wait_until(tab, "!document.getElementById('keys-help').open")
    tab.keyboard.press("g")
    tab.keyboard.press("p")
    tab.wait_for_url(f"**/accounts/{invest.public_id}/targets")


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_part_of_the_home_that_fails_offers_to_try_again(
    visit: Callable[..., Any], owner: Any, invest: Account, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    visitor = visit()
    tab = visitor.tab
    visitor.log_in(owner)
    tab.locator("[data-chart]").wait_for()
    broken = "**/home/movers*"
    tab.route(broken, lambda route: route.fulfill(status=500, body="out of order"))
    tab.goto(tab.url)
    part = tab.locator('[data-part="Movers today"]')
    part.get_by_text("Movers today could not be loaded.").wait_for()
    tab.get_by_role("heading", name="To do").wait_for()
    tab.get_by_text("outside their bands").first.wait_for()
    tab.unroute(broken)
    part.get_by_role("button", name="Try again").click()
    part.locator("button").wait_for(state="detached")
    tab.locator('[data-part="Value over time"] a', has_text="1Y").click()
    tab.locator('[data-part="Value over time"] a[aria-current=true]', has_text="1Y").wait_for()
    tab.locator("[data-chart] canvas").first.wait_for()
    visitor.complaints[:] = [line for line in visitor.complaints if "movers" not in line]
    visitor.forgive_refusals()
