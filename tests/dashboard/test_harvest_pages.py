"""The pages of harvests: opportunities, the job, the recommendation, the calendar, the year."""

from datetime import datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from jobs.models import Job
from marketdata.models import Asset
from recommendations.models import Recommendation, Replacement
from recommendations.tasks import harvest as run_harvest
from transactions.ledger.entries import Entry
from transactions.models import Account
from transactions.operations import open_account, record

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def before(days: int) -> datetime:
    return (NOW - timedelta(days=days)).replace(hour=0, minute=1)


@pytest.fixture
def account(people: Any, assets: Any) -> Account:
    """100 AAA bought at 90, now at 50; BBB replaces it and was sold at a loss in part."""
    Replacement.objects.create(
        asset=assets["AAA"],
        rank=0,
        candidate=Asset.objects.create(
            symbol="CCC", name="C", asset_class="equity", currency="USD"
        ),
        correlation=D("0.9"),
        tracking_error=D("0.1"),
        sessions=250,
        expense_difference=D("0.0015"),
    )
    from marketdata.models import LatestPrice

    LatestPrice.objects.create(
        asset=Asset.objects.get(symbol="CCC"), price=D(20), as_of=NOW, source="test"
    )
    account = open_account(
        user=people.owner, name="Brokerage", type="taxable", currency="USD", now=NOW
    )
    entries = [
        Entry("buy", before(200), "USD", "AAA", D(100), D(90)),
        Entry("buy", before(200), "USD", "BBB", D(10), D(30)),
        Entry("sell", before(3), "USD", "BBB", D(4), D(20)),
    ]
    record(account=account, entries=entries, user=people.owner, now=NOW)
    return account


def page_of(user: Any, path: str, **data: Any) -> Any:
    client = Client()
    client.force_login(user, backend="identity.authentication.PasswordBackend")
    return client.post(path, data) if data else client.get(path)


def test_the_page_shows_money_kept_risk_dates_and_the_year(account: Account, people: Any) -> None:
    answer = page_of(people.owner, f"/accounts/{account.public_id}/harvest")
    assert answer.status_code == 200
    text = answer.content.decode()
    # 720.00 now and 1,001 - 40 next year, less what comes back and the round trip.
    offer = answer.context["result"].offers[0]
    assert (offer.symbol, offer.replacement.symbol) == ("AAA", "CCC")
    assert f"${offer.net_benefit}" in text
    assert "correlation 0.90" in text
    assert f"$ {offer.replacement.risk}" in text or f"${offer.replacement.risk}" in text
    assert "+0.15" in text
    assert "Do not buy" in text
    assert "Used against income" in text
    year = answer.context["ledgers"][0]
    assert (year.harvested.short_term, year.used_against_income) == (D("40.00"), D("40.00"))


def test_the_threshold_is_chosen_from_the_list(account: Account, people: Any) -> None:
    path = f"/accounts/{account.public_id}/harvest"
    assert page_of(people.owner, f"{path}?least=0").context["least"] == "0"
    assert page_of(people.owner, f"{path}?least=7").status_code == 400


def test_a_harvest_is_requested_followed_and_decided_on(account: Account, people: Any) -> None:
    path = f"/accounts/{account.public_id}"
    started = page_of(people.owner, f"{path}/harvest/request", least="5")
    job = Job.objects.get()
    assert started.headers["Location"] == f"{path}/rebalance/{job.public_id}"
    assert job.params["minimum_benefit_percentage"] == "5"
    waiting = page_of(people.owner, started.headers["Location"])
    assert "Harvest losses" in waiting.content.decode()
    run_harvest(job.pk)
    row = Recommendation.objects.get()
    there = page_of(people.owner, started.headers["Location"])
    assert there.headers["Location"] == f"{path}/recommendations/{row.public_id}"
    shown = page_of(people.owner, there.headers["Location"]).content.decode()
    assert "1 loss worth harvesting" in shown
    assert "What is kept, and what is risked" in shown
    page_of(people.owner, f"{there.headers['Location']}/decision", decision="approved")
    row.refresh_from_db()
    assert row.status == "approved"
    approved = page_of(people.owner, there.headers["Location"]).content.decode()
    assert "From the 31st day the way back is offered" in approved
    assert "Harvest" in page_of(people.owner, f"{path}/recommendations").content.decode()


def test_nothing_to_harvest_says_so(people: Any, assets: Any) -> None:
    ira = open_account(user=people.owner, name="IRA", type="ira", currency="USD", now=NOW)
    text = page_of(people.owner, f"/accounts/{ira.public_id}/harvest").content.decode()
    assert "No loss is worth harvesting now" in text
    assert "This account is not taxed" in text
    assert "Recommend these trades" not in text
    assert "Nothing to watch" in text


def test_a_stranger_sees_no_page_and_starts_no_job(account: Account, people: Any) -> None:
    path = f"/accounts/{account.public_id}/harvest"
    assert page_of(people.stranger, path).status_code == 404
    assert page_of(people.stranger, f"{path}/request", least="10").status_code == 404
    assert Job.objects.count() == 0
    assert page_of(people.adviser, path).status_code == 200
