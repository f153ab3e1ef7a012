"""Equal requests for a rebalance within seconds are one job and never hide a change."""

from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from jobs.models import Job
from marketdata.models import LatestPrice
from marketdata.operations import create_own_asset, record_own_prices
from marketdata.own_prices import StatedPrice
from portfolios.operations import TargetWeight, set_targets
from recommendations.models import Recommendation
from recommendations.operations import decide
from recommendations.tasks import rebalance
from transactions.ledger.entries import Entry
from transactions.models import Account
from transactions.operations import record

pytestmark = pytest.mark.django_db

DAY = datetime(2024, 3, 1, 15, tzinfo=UTC)


@pytest.fixture
def desk(account: Any, people: Any, assets: Any, client_of: Any) -> Any:
    create_own_asset(
        user=people.owner, symbol="OWN", name="Own", currency="USD", asset_class="fund"
    )
    price(people.owner, "10")
    entries = [
        Entry("deposit", DAY, "USD", amount=D(10_000)),
        Entry("buy", DAY, "USD", "AAA", D(10), D(10)),
        Entry("buy", DAY, "USD", "OWN", D(10), D(10)),
    ]
    record(account=account, entries=entries, user=people.owner, now=timezone.now())
    weights = [TargetWeight("AAA", D(60), D(5)), TargetWeight("OWN", D(40), D(5))]
    set_targets(account=account, weights=weights)
    return client_of(people.owner)


def price(user: Any, close: str) -> None:
    now = timezone.now()
    prices = [StatedPrice(now.date(), D(close))]
    record_own_prices(user=user, symbol="OWN", prices=prices, now=now)


def ask(desk: Any, account: Account, **options: Any) -> str:
    answer = desk.post(f"/api/v1/portfolios/{account.public_id}/rebalance", options, format="json")
    assert answer.status_code == 202, answer.content
    return str(answer.json()["job_id"])


def done(job_id: str) -> str:
    rebalance(Job.objects.get(public_id=job_id).pk)
    assert Job.objects.get(public_id=job_id).status == "completed"
    return job_id


def test_a_twin_that_was_just_computed_is_the_same_job_also_when_public_prices_moved(
    desk: Any, account: Any
) -> None:
    first = done(ask(desk, account))
    LatestPrice.objects.filter(asset__symbol="AAA").update(price=D("50.01"))
    assert ask(desk, account) == first
    assert ask(desk, account, minimum_trade="20") != first
    assert Recommendation.objects.count() == 1


def test_whatever_else_has_changed_makes_another_job(desk: Any, account: Any, people: Any) -> None:
    asked = [done(ask(desk, account))]

    price(people.owner, "12")
    asked.append(done(ask(desk, account)))

    people.owner.federal_ordinary_rate = D("0.11")
    people.owner.save(update_fields=["federal_ordinary_rate"])
    asked.append(done(ask(desk, account)))

    entry = Entry("deposit", DAY, "USD", amount=D(1))
    record(account=account, entries=[entry], user=people.owner, now=timezone.now())
    asked.append(done(ask(desk, account)))

    row = Recommendation.objects.order_by("-id")[0]
    decide(recommendation=row, status="rejected", user=people.owner, now=timezone.now())
    asked.append(ask(desk, account))
    assert len(set(asked)) == 5


def test_a_result_is_stored_once_and_the_job_shows_it(desk: Any, account: Any) -> None:
    job_id = done(ask(desk, account))
    row = Recommendation.objects.get()
    assert Job.objects.get(public_id=job_id).result == {"recommendation_id": str(row.public_id)}
    shown = desk.get(f"/api/v1/jobs/{job_id}").json()
    result = desk.get(f"/api/v1/recommendations/{row.public_id}").json()["result"]
    assert shown["result"] == {**result, "recommendation_id": str(row.public_id)}
    assert shown["result"]["trades"]
    assert shown["attempts"] == 1
