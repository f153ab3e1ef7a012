"""The navigation, its scope, and the pages of the household that lead to each account."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dashboard.navigation import ENTRIES
from transactions.models import Account

pytestmark = pytest.mark.django_db


def links(body: str) -> dict[str, str]:
    """Return the links of the main navigation by label."""
    inside = body.split('<nav aria-label="Main">')[1].split("</nav>")[0]
    return {label: address for address, label in re.findall(r'href="([^"]+)"[^>]*>([^<]+)', inside)}


def current(body: str) -> list[str]:
    inside = body.split('<nav aria-label="Main">')[1].split("</nav>")[0]
    return re.findall(r'aria-current="page">([^<]+)', inside)


def test_every_entry_has_its_pages_and_is_the_current_one_there(
    page_client: Callable[[Any], Client], owner: Any, people: Any, invest: Account
) -> None:
    for entry in ENTRIES:
        person = people.adviser if entry.role else owner
        if entry.role:
            person.role = entry.role
            person.save(update_fields=["role"])
        client = page_client(person)
        answer = client.get(reverse(entry.household))
        assert answer.status_code == 200, entry.label
        assert current(answer.content.decode()) == [entry.label]
        for page in {entry.account, *(view.page for view in entry.views)} - {""}:
            answer = client.get(reverse(page, args=[invest.public_id]))
            assert answer.status_code == 200, page
            assert current(answer.content.decode()) == [entry.label]


def test_the_scope_follows_the_page_and_is_kept_on_pages_without_one(
    page_client: Callable[[Any], Client], owner: Any, invest: Account
) -> None:
    client = page_client(owner)
    of_account = f"/accounts/{invest.public_id}"
    assert links(client.get("/").content.decode())["Performance"] == "/performance"
    body = client.get(f"{of_account}/performance?range=ytd&benchmark=").content.decode()
    assert links(body)["Plan"] == f"{of_account}/targets"
    assert links(body)["Home"] == "/"
    assert 'href="/performance?range=ytd"' in body, "the household's version, for the same period"
    assert links(client.get("/settings").content.decode())["Tax"] == f"{of_account}/gains"
    assert client.get("/record").headers["Location"] == f"{of_account}/transactions#record"
    client.get("/plan")
    assert links(client.get("/settings").content.decode())["Tax"] == "/tax"


def test_more_accounts_than_the_chip_lists_are_found_by_the_search(
    page_client: Callable[[Any], Client],
    owner: Any,
    invest: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from dashboard.pages import scopes
    from transactions.operations import open_account

    client = page_client(owner)
    assert "Search for another account" not in client.get("/plan").content.decode()
    monkeypatch.setattr(scopes, "CHOICES_MAX", 1)
    open_account(user=owner, name="Second", type="ira", currency="USD", now=timezone.now())
    assert "Search for another account" in client.get("/plan").content.decode()


def test_an_account_of_others_never_becomes_the_scope(
    page_client: Callable[[Any], Client], owner: Any, people: Any, invest: Account
) -> None:
    client = page_client(people.stranger)
    assert client.get(f"/accounts/{invest.public_id}").status_code == 404
    body = client.get("/settings").content.decode()
    assert links(body)["Plan"] == "/plan"
    assert str(invest.public_id) not in client.get("/plan").content.decode()
    mine = page_client(owner)
    mine.get(f"/accounts/{invest.public_id}")
    Account.objects.filter(pk=invest.pk).update(household=people.stranger.household)
    assert mine.get(f"/accounts/{invest.public_id}").status_code == 404
    assert links(mine.get("/settings").content.decode())["Plan"] == "/plan"


def test_the_plan_names_drift_and_leads_to_both_kinds_of_advice(
    page_client: Callable[[Any], Client],
    owner: Any,
    invest: Account,
    quote: Callable[..., None],
) -> None:
    quote(AAA="50", BBB="20")
    body = page_client(owner).get("/plan").content.decode()
    # 120 AAA at 50 and 100 BBB at 20 beside 3300 in cash: 53.1, 17.7 and 29.2 % of 11300.
    assert "22.3%" in body
    assert "3 outside their bands" in body
    assert f'action="/accounts/{invest.public_id}/rebalance"' in body
    assert f'href="/accounts/{invest.public_id}/harvest"' in body


def test_the_tax_page_sums_what_the_accounts_sold(
    page_client: Callable[[Any], Client], owner: Any, sold: Account
) -> None:
    year = timezone.now().year
    body = page_client(owner).get(f"/tax?year={year}").content.decode()
    assert f'href="/accounts/{sold.public_id}/gains?year={year}"' in body
    empty = page_client(owner).get("/tax?year=1999").content.decode()
    assert "No sales in 1999" in empty
    assert page_client(owner).get("/tax?year=soon").status_code == 400


def test_the_activity_filters_and_refuses_what_is_no_filter(
    page_client: Callable[[Any], Client], owner: Any, people: Any, sold: Account
) -> None:
    client = page_client(owner)
    everything = client.get("/activity").content.decode()
    assert "Rollover" in everything
    assert "Deposit" in everything
    only = client.get("/activity?type=sell&symbol=aaa").content.decode()
    assert only.count('<tr class="row">') == 1
    assert client.get(f"/activity?account={sold.public_id}").content.decode().count("BBB") >= 3
    assert "No transaction matches" in client.get("/activity?q=nowhere").content.decode()
    for wrong in ("from=yesterday", "type=theft", f"account={people.stranger.pk}", "cursor=x"):
        assert client.get(f"/activity?{wrong}").status_code == 400, wrong
    assert "AAA" not in page_client(people.stranger).get("/activity").content.decode()


def test_the_activity_walks_all_pages(
    page_client: Callable[[Any], Client],
    owner: Any,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from decimal import Decimal

    from dashboard.pages import activity
    from transactions.ledger.entries import Entry
    from transactions.operations import record

    monkeypatch.setattr(activity, "ROWS_SHOWN", 2)
    at = datetime(2025, 3, 3, 15, tzinfo=UTC)
    record(
        account=account,
        entries=[Entry("deposit", at, "USD", amount=Decimal(n + 1)) for n in range(5)],
        user=owner,
        now=timezone.now(),
    )
    client, address, seen = page_client(owner), "/activity?type=deposit", []
    while address:
        body = client.get(address).content.decode()
        seen += re.findall(r"\+\$(\d)\.00", body)
        following = re.search(r'hx-get="(\?[^"]+)"', body)
        address = f"/activity{following[1]}".replace("&amp;", "&") if following else ""
    assert seen == ["5", "4", "3", "2", "1"]


@pytest.mark.parametrize("address", ["/plan", "/tax", "/activity", "/record", "/performance"])
def test_queries_do_not_grow_with_the_accounts(
    page_client: Callable[[Any], Client], owner: Any, invest: Account, address: str
) -> None:
    from transactions.operations import open_account

    client = page_client(owner)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code in (200, 302)
        return len(captured)

    open_account(user=owner, name="Second", type="ira", currency="USD", now=timezone.now())
    queries()
    before = queries()
    for number in range(58):
        open_account(
            user=owner, name=f"Further {number}", type="ira", currency="USD", now=timezone.now()
        )
    queries()
    assert queries() <= before
