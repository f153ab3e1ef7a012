"""Small things that pages once did wrong."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from identity.models import User
from recommendations.engine.options import Options
from recommendations.models import Recommendation
from recommendations.operations import request_rebalance
from recommendations.tasks import rebalance
from transactions.models import Transaction

pytestmark = pytest.mark.django_db
PageClient = Callable[[Any], Client]


@pytest.fixture
def balanced(people: Any, assets: Any, account: Any) -> Any:
    """An account that is exactly at its targets."""
    from portfolios.operations import TargetWeight, set_targets
    from transactions.ledger.entries import Entry
    from transactions.operations import record

    now = timezone.now()
    at = now - timedelta(days=40)
    record(
        account=account,
        entries=[
            Entry("deposit", at, "USD", amount=D(6000)),
            Entry("buy", at, "USD", "AAA", D(80), D(50)),
            Entry("buy", at, "USD", "BBB", D(100), D(20)),
        ],
        user=people.owner,
        now=now,
    )
    aims = [("AAA", D("66.6667")), ("BBB", D("33.3333")), ("CASH", D(0))]
    set_targets(account=account, weights=[TargetWeight(name, aim, D(2)) for name, aim in aims])
    account.refresh_from_db()
    return account


def test_a_recommendation_without_trades_does_not_wait_for_anybody(
    people: Any, balanced: Any, page_client: PageClient
) -> None:
    job = request_rebalance(
        account=balanced, options=Options(), user=people.owner, now=timezone.now()
    )
    rebalance(job.pk)
    row = Recommendation.objects.get(job=job)
    client = page_client(people.owner)
    listed = client.get(reverse("recommendations", args=[balanced.public_id])).content.decode()
    page = client.get(reverse("recommendation", args=[balanced.public_id, row.public_id]))
    for text in (listed, page.content.decode()):
        assert "Nothing to do" in text
        assert "Waiting for you" not in text
    assert "there is nothing to decide" in page.content.decode()
    assert "would cost more" not in page.content.decode()


@pytest.mark.parametrize("quantity", ["-5", "5"])
def test_an_unknown_symbol_is_told_at_once_with_the_way_to_create_it(
    people: Any, invest: Any, page_client: PageClient, quantity: str
) -> None:
    before = Transaction.objects.count()
    form = {
        "type": "buy",
        "executed_on": "2026-01-05",
        "symbol": "zzzz",
        "quantity": quantity,
        "price": "1",
    }
    answer = page_client(people.owner).post(f"/accounts/{invest.public_id}/transactions", form)
    text = answer.content.decode()
    assert answer.status_code == 400
    assert "ZZZZ is not known" in text
    assert ("Must be more than 0" in text) is (quantity == "-5")
    assert 'href="/assets/ZZZZ"' in text
    assert Transaction.objects.count() == before


def test_a_known_symbol_beside_a_wrong_figure_is_not_called_unknown(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    form = {
        "type": "buy",
        "executed_on": "2026-01-05",
        "symbol": "aaa",
        "quantity": "-5",
        "price": "1",
    }
    answer = page_client(people.owner).post(f"/accounts/{invest.public_id}/transactions", form)
    assert answer.status_code == 400
    assert "not known" not in answer.content.decode()


def test_a_file_of_transactions_is_named_once(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    client, day = page_client(people.owner), timezone.now().date()
    names = {
        "ballast": f"ballast-transactions-{day}.csv",
        "portfolio_performance": f"ballast-transactions-portfolio-performance-{day}.csv",
    }
    for format_name, name in names.items():
        answer = client.get(f"/api/v1/exports/{format_name}?account_id={invest.public_id}")
        assert answer["Content-Disposition"] == f'attachment; filename="{name}"'


def test_a_registration_names_every_fault_the_first_time(db: None) -> None:
    form = {"full_name": "Nora", "email": "nobody", "password": "12"}
    answer = Client().post("/register", form)
    text = answer.content.decode()
    assert answer.status_code == 400
    assert "valid email address" in text
    assert "at least 10 characters" in text.lower()
    assert not User.objects.filter(full_name="Nora").exists()


def test_an_adviser_is_told_whose_account_and_whose_rates_these_are(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    adviser = page_client(people.adviser)
    assert "opened in your own household, Office" in adviser.get("/accounts/new").content.decode()
    assert "do not apply to your clients" in adviser.get("/settings").content.decode()
    owner = page_client(people.owner)
    assert "your own household" not in owner.get("/accounts/new").content.decode()
    assert "clients" not in owner.get("/settings").content.decode()
