"""The adviser's desk: own clients and all of them, rebalances of many, what waits, reports."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.clients import links
from dashboard.pages import clients as pages
from identity.models import AdviserLink, Household, Role, User
from jobs.models import Job
from recommendations.models import Recommendation
from transactions.models import Account

pytestmark = pytest.mark.django_db

PageClient = Callable[[Any], Client]
PAGES = ("/clients", "/clients/review")


def household(number: int, adviser: Any) -> Household:
    made = Household.objects.create(name=f"Family {number:03}")
    User.objects.create_user(email=f"f{number}@ballast.example", password=None, household=made)
    link = AdviserLink.objects.create(adviser=adviser, household=made)
    # All at a few instants, so that pages meet ties.
    at = timezone.now() - timedelta(days=number % 3)
    AdviserLink.objects.filter(pk=link.pk).update(created_at=at)
    return made


def proposal(account: Any, *, result: str = '{"trades":[{}]}') -> Recommendation:
    return Recommendation.objects.create(
        account=account, kind="rebalance", engine_version="1", inputs="{}", result=result,
        created_at=timezone.now(),
    )  # fmt: skip


def test_a_client_is_shown_with_value_and_what_waits(
    people: Any, invest: Any, page_client: PageClient, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    proposal(invest)
    page = page_client(people.adviser).get("/clients").content.decode()
    assert "Home" in page
    # 120 AAA at 50, 100 BBB at 20, and 3,300 of cash; BBB cost 25.
    for text in ("$11,300.00", "$3,300.00", "−$500.00", "1 waiting"):
        assert text in page, text


def test_no_client_is_left_out_and_pages_cost_the_same(
    people: Any, page_client: PageClient
) -> None:
    for number in range(2 * pages.CLIENTS_SHOWN):
        household(number, people.adviser)
    client, seen, address = page_client(people.adviser), [], "/clients"
    counts = []
    while address:
        with CaptureQueriesContext(connection) as queries:
            page = client.get(address).content.decode()
        counts.append(len(queries))
        seen += [part.partition('"')[0] for part in page.split('aria-label="Choose ')[1:]]
        address = next(
            (
                "/clients" + part.split('href="')[-1].partition('"')[0].replace("&amp;", "&")
                for part in [page.partition(">Further clients")[0]]
                if ">Further clients" in page
            ),
            "",
        )
    assert len(seen) == len(set(seen)) == 2 * pages.CLIENTS_SHOWN + 1
    assert max(counts[1:]) <= counts[0]


def test_clients_are_found_by_name_and_address(people: Any, page_client: PageClient) -> None:
    for number in range(3):
        household(number, people.adviser)
    client = page_client(people.adviser)
    assert "Family 001" in client.get("/clients?q=family 001").content.decode()
    page = client.get("/clients?q=f2@ballast").content.decode()
    assert ("Family 002" in page, "Family 001" in page) == (True, False)
    assert "No client matches" in client.get("/clients?q=nobody").content.decode()
    assert client.get("/clients?only=waiting").status_code == 200


def test_only_advisers_have_a_desk(people: Any, invest: Any, page_client: PageClient) -> None:
    for person in (people.owner, people.spouse, people.stranger, people.operator):
        client = page_client(person)
        for address in PAGES:
            assert client.get(address).status_code == 403, (person, address)
        assert client.post("/clients/rebalance").status_code == 403
        assert "Clients</a>" not in client.get("/").content.decode()
    assert not Job.objects.exists()
    assert "Clients</a>" in page_client(people.adviser).get("/").content.decode()
    # A role that was taken leaves no clients, even if a row is left.
    User.objects.filter(pk=people.adviser.pk).update(role=Role.INVESTOR)
    people.adviser.refresh_from_db()
    assert not links(user=people.adviser).exists()


def test_a_report_is_for_those_who_may_see_the_household(
    people: Any, invest: Any, page_client: PageClient, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    address = f"/households/{people.owner.household.public_id}/report"
    for person in (people.owner, people.spouse, people.adviser):
        page = page_client(person).get(address)
        assert (page.status_code, "$11,300.00" in page.content.decode()) == (200, True)
    assert page_client(people.stranger).get(address).status_code == 404
    AdviserLink.objects.all().delete()
    assert page_client(people.adviser).get(address).status_code == 404


def test_chosen_clients_are_rebalanced_and_others_are_not(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    client = page_client(people.adviser)
    own, theirs = people.owner.household.public_id, people.stranger.household.public_id
    for chosen in ([], [str(theirs)], ["x"]):
        client.post("/clients/rebalance", {"client": chosen})
    assert not Job.objects.exists()
    answer = client.post("/clients/rebalance", {"client": [str(own), str(theirs)]})
    assert answer["Location"] == "/clients/review"
    job = Job.objects.get()
    assert (job.subject_id, job.requested_by_id) == (invest.public_id, people.adviser.pk)


def test_too_many_accounts_at_once_are_refused_as_a_whole(
    people: Any, invest: Any, page_client: PageClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "ACCOUNTS_AT_ONCE_MAX", 0)
    chosen = str(people.owner.household.public_id)
    page = page_client(people.adviser).post("/clients/rebalance", {"client": chosen}, follow=True)
    assert "Choose fewer clients" in page.content.decode()
    assert not Job.objects.exists()


def test_what_waits_is_decided_in_the_queue(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    row = proposal(invest)
    proposal(invest, result='{"trades":[]}')  # nothing to decide
    client = page_client(people.adviser)
    page = client.get("/clients/review").content.decode()
    assert page.count("See the trades</a>") == 1
    sent = {"decision": "rejected", "next": "/clients/review"}
    address = f"/accounts/{invest.public_id}/recommendations/{row.public_id}/decision"
    assert client.post(address, sent)["Location"] == "/clients/review"
    assert "Nothing waits" in client.get("/clients/review").content.decode()


def test_an_account_is_opened_for_a_client_and_for_nobody_else(
    people: Any, page_client: PageClient
) -> None:
    form = {"name": "New", "type": "taxable", "currency": "USD", "lot_method": "fifo"}
    own, theirs = people.owner.household, people.stranger.household
    client = page_client(people.adviser)
    for wrong in (theirs.public_id, "x"):
        assert client.post(f"/accounts/new?household={wrong}", form).status_code == 404
    asked = f"/accounts/new?household={own.public_id}"
    assert page_client(people.stranger).post(asked, form).status_code == 404
    assert not Account.objects.exists()
    assert "It is opened for Home" in client.get(asked).content.decode()
    assert client.post(asked, form).status_code == 302
    account = Account.objects.get()
    assert (account.household, account.owner) == (own, people.owner)


def test_a_plan_without_trades_does_not_wait(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    proposal(invest, result='{"trades":[]}')
    page = page_client(people.owner).get("/plan").content.decode()
    assert ("Waiting for you" in page, "Nothing to do" in page) == (False, True)


def test_the_allocation_leads_to_the_holdings_of_a_part(
    people: Any, invest: Any, page_client: PageClient, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    client = page_client(people.owner)
    assert "/holdings?asset_class=equity" in client.get("/home/allocation").content.decode()
    page = client.get("/home/allocation?by=account").content.decode()
    assert f"/holdings?account={invest.public_id}" in page
    assert "/holdings?currency=USD" in client.get("/home/allocation?by=currency").content.decode()
