"""Recommendations of an engine that is no longer installed: refused in words, never a fault."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from recommendations.engine.problem import ENGINE_VERSION
from recommendations.models import Recommendation
from transactions.operations import open_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def old(people: Any) -> Recommendation:
    """A recommendation as rebalance-1 stored it: other fields, and trades without a currency."""
    now = timezone.now()
    account = open_account(user=people.owner, name="Main", type="taxable", currency="USD", now=now)
    inputs = {"account_id": str(account.public_id), "engine_version": "rebalance-1", "cash": "1"}
    trade = {"symbol": "AAA", "side": "buy", "quantity": "1", "price": "50", "value": "50"}
    row = Recommendation.objects.create(
        account=account,
        kind="rebalance",
        engine_version="rebalance-1",
        inputs=json.dumps(inputs),
        result=json.dumps({"engine_version": "rebalance-1", "trades": [trade]}),
        created_at=now,
    )
    assert row.engine_version != ENGINE_VERSION
    return row


def test_a_replay_says_which_engine_computed_it(
    old: Recommendation, people: Any, client_of: Any
) -> None:
    client = client_of(people.owner)
    answer = client.post(f"/api/v1/recommendations/{old.public_id}/replay")
    assert (answer.status_code, answer.json()["code"]) == (409, "engine_version_unknown")
    assert "computed by engine rebalance-1" in answer.json()["detail"]
    assert "Request a new rebalance" in answer.json()["detail"]
    shown = client.get(f"/api/v1/recommendations/{old.public_id}").json()
    assert shown["result"]["trades"][0]["value"] == "50"  # as it was stored


def test_its_page_says_so_too(old: Recommendation, people: Any) -> None:
    client = Client()
    client.force_login(people.owner)
    pages = f"/accounts/{old.account.public_id}/recommendations"
    answer = client.get(f"{pages}/{old.public_id}")
    assert answer.status_code == 409
    assert "computed by engine rebalance-1" in answer.content.decode()
    assert client.get(pages).status_code == 200
