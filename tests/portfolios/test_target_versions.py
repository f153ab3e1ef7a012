"""Targets of an account in versions: history over HTTP, and what installations had before."""

import importlib
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from portfolios.holdings.target_sets import packed
from portfolios.models import FollowedTargets, Target, TargetSet, TargetSetVersion
from portfolios.operations import TargetWeight, set_targets
from portfolios.queries import current_weights
from transactions.models import Account
from transactions.operations import open_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(people: Any, assets: Any) -> Account:
    now = timezone.now()
    return open_account(user=people.owner, name="Main", type="ira", currency="USD", now=now)


def weight(symbol: str, share: str, band: str = "5", kind: str = "absolute") -> TargetWeight:
    return TargetWeight(symbol, D(share), D(band), kind)


def test_the_targets_of_before_become_a_first_version(account: Account) -> None:
    weights = [
        weight("AAA", "60.25", "20", "relative"),
        weight("BBB", "30", "2.5"),
        weight("CASH", "9.75", "0"),
    ]
    set_targets(account=account, weights=weights)
    kept = FollowedTargets.objects.get(account=account).version.weights
    rows = list(Target.objects.filter(account=account).order_by("id").values())
    with connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE portfolios_followedtargets, "
            "portfolios_targetsetversion, portfolios_targetset CASCADE"
        )
        migration = importlib.import_module("portfolios.migrations.0008_targets_as_sets")
        for _ in range(2):
            for statement in migration.Migration.operations[0].sql:
                cursor.execute(statement)
    followed = FollowedTargets.objects.get()
    assert (followed.account_id, followed.version.number) == (account.pk, 1)
    assert followed.version.weights == kept
    assert followed.version.weights == packed(current_weights(accounts=[account])[account.pk])
    assert followed.version.target_set.public_id.version == 7
    assert followed.version.public_id.version == 7
    assert list(Target.objects.filter(account=account).order_by("id").values()) == rows
    set_targets(account=account, weights=weights)
    assert TargetSetVersion.objects.count() == TargetSet.objects.count() == 1


def test_the_history_lists_every_choice(account: Account, people: Any, client_of: Any) -> None:
    api = client_of(people.owner)
    url = f"/api/v1/portfolios/{account.public_id}/targets"
    for symbol in ("AAA", "BBB"):
        body = [{"symbol": symbol, "target_percentage": "100"}]
        assert api.put(url, body, format="json").status_code == 200
    assert api.put(url, [], format="json").status_code == 200
    rows = api.get(f"{url}/history").json()["data"]
    assert [row["version"] for row in rows] == [3, 2, 1]
    assert [[one["symbol"] for one in row["weights"]] for row in rows] == [[], ["BBB"], ["AAA"]]
    assert {row["scope"] for row in rows} == {"account"}
    assert TargetSetVersion.objects.get(number=1).created_by == people.owner
    assert client_of(people.stranger).get(f"{url}/history").status_code == 404


def test_refused_targets_make_no_version(account: Account, people: Any, client_of: Any) -> None:
    url = f"/api/v1/portfolios/{account.public_id}/targets"
    body = [{"symbol": "AAA", "target_percentage": "99"}]
    assert client_of(people.owner).put(url, body, format="json").status_code == 400
    assert not TargetSet.objects.exists()
    assert not FollowedTargets.objects.exists()
