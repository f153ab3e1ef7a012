"""Strategies taken over into accounts: targets, the plan, and what a new version would change."""

import json
import random
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from jobs.models import Job
from marketdata.models import Asset, LatestPrice
from portfolios.models import FollowedTargets, RebalancePolicy, Target, TargetSet, TargetSetVersion
from portfolios.operations import Rule, TargetWeight, set_restrictions, set_targets
from recommendations.engine.arrays.warming import warm
from recommendations.models import Recommendation, Strategy, StrategyFollow
from recommendations.tasks import rebalance as run
from tests.effort import size
from transactions.ledger.entries import Entry
from transactions.models import Account
from transactions.operations import open_account, record

pytestmark = pytest.mark.django_db
URL = "/api/v1/strategies"
FollowedTargetsEvent = apps.get_model("portfolios", "FollowedTargetsEvent")
CENT = D("0.01")
PRICES = {"VTI": "100", "BND": "80", "AGG": "50", "KO": "60"}


@pytest.fixture(scope="module", autouse=True)
def compiled_engine() -> None:
    """The first start compiles the engine for as long as it takes."""
    warm()


@pytest.fixture
def account(town: Any) -> Account:
    """10,000 of VTI bought for 5,000 and 5,000 of cash, in a taxable account of the reader."""
    return furnished(town.reader, "Main")


def furnished(user: Any, name: str, cost: str = "50") -> Account:
    now = timezone.now()
    for symbol, price in PRICES.items():
        asset = Asset.objects.get(symbol=symbol)
        LatestPrice.objects.update_or_create(
            asset=asset, defaults={"price": D(price), "as_of": now, "source": "acme"}
        )
    account = open_account(user=user, name=name, type="taxable", currency="USD", now=now)
    old = datetime(2024, 3, 4, 15, tzinfo=UTC)
    entries = [
        Entry("deposit", old, "USD", amount=D(5000) + 100 * D(cost)),
        Entry("buy", old, "USD", "VTI", D(100), D(cost)),
    ]
    record(account=account, entries=entries, user=user, now=now)
    return Account.objects.get(pk=account.pk)


def aims(account: Account) -> dict[str, D]:
    rows = Target.objects.filter(account=account).select_related("asset")
    return {row.asset.symbol if row.asset else "CASH": row.target_percentage for row in rows}


def planned(answer: Any) -> dict[str, Any]:
    """Run the job of a clone and return its plan."""
    assert answer.status_code == 202, answer.content
    job = Job.objects.get(public_id=answer.json()["job_id"])
    run(job.pk)
    job.refresh_from_db()
    assert job.status == "completed", job.error
    row = Recommendation.objects.get(job=job)
    assert row.result is not None
    found: dict[str, Any] = json.loads(row.result)
    return found


def clone(api: Any, strategy: Strategy, account: Account, **fields: Any) -> Any:
    body = {"account_id": str(account.public_id), **fields}
    return api.post(f"{URL}/{strategy.public_id}/clone", body, format="json")


def test_a_clone_sets_targets_follows_and_plans(
    town: Any, account: Account, published: Any, client_of: Any
) -> None:
    strategy, api = published(), client_of(town.reader)
    plan = planned(clone(api, strategy, account))
    assert aims(account) == {"VTI": 60, "BND": 40}
    followed = FollowedTargets.objects.get(account=account)
    assert followed.version == strategy.current_version.targets
    assert StrategyFollow.objects.get().household_id == town.reader.household_id
    assert Strategy.objects.get().followers == 1
    sides = {trade["symbol"]: trade["side"] for trade in plan["trades"]}
    assert sides["BND"] == "buy"
    # Nothing is bought or sold by itself.
    assert account.holdings.count() == 1
    assert not account.orders.exists()


def test_the_same_key_clones_once(
    town: Any, account: Account, published: Any, client_of: Any
) -> None:
    strategy, api = published(), client_of(town.reader)
    body = {"account_id": str(account.public_id)}
    url = f"{URL}/{strategy.public_id}/clone"
    first = api.post(url, body, format="json", HTTP_IDEMPOTENCY_KEY="one")
    events = FollowedTargetsEvent.objects.count()
    again = api.post(url, body, format="json", HTTP_IDEMPOTENCY_KEY="one")
    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    assert FollowedTargetsEvent.objects.count() == events


def test_a_gain_budget_holds_and_becomes_a_rule_of_the_account(
    town: Any, account: Account, published: Any, client_of: Any
) -> None:
    strategy = published()
    api = client_of(town.reader)
    plan = planned(clone(api, strategy, account, gain_budget="100"))
    assert aims(account) == {"VTI": 60, "BND": 40}
    assert RebalancePolicy.objects.get(account=account).gain_budget == D(100)
    assert gains(plan, account) <= D(100) + CENT


def test_a_class_is_filled_by_a_fund_that_the_account_may_buy(
    town: Any, account: Account, draft: Any, client_of: Any
) -> None:
    author, api = client_of(town.author), client_of(town.reader)
    body = {
        "name": "Classes",
        "risk_profile": "balanced",
        "weights": [
            {"symbol": "VTI", "target_percentage": "60"},
            {"asset_class": "bond", "funds": ["BND", "AGG"], "target_percentage": "40"},
        ],
    }
    made = author.post(URL, body, format="json").json()
    author.post(f"{URL}/{made['id']}/publish", {}, format="json")
    strategy = Strategy.objects.get(public_id=made["id"])
    set_restrictions(account=account, rules=[Rule("BND", "no_buy")])
    plan = planned(clone(api, strategy, account))
    assert aims(account) == {"VTI": 60, "AGG": 40}
    assert "BND" not in {trade["symbol"] for trade in plan["trades"]}
    set_restrictions(account=account, rules=[Rule("BND", "no_buy"), Rule("AGG", "no_trade")])
    before = snapshot(account)
    refused = clone(api, strategy, account)
    assert (refused.status_code, refused.json()["code"]) == (400, "class_not_filled")
    assert snapshot(account) == before


def snapshot(account: Account) -> Any:
    account.refresh_from_db()
    return (
        aims(account),
        account.ledger_version,
        list(FollowedTargets.objects.values()),
        list(RebalancePolicy.objects.values()),
        TargetSetVersion.objects.count(),
        Job.objects.count(),
        list(StrategyFollow.objects.values()),
        list(Strategy.objects.values("followers")),
    )


def test_what_cannot_be_cloned_changes_nothing(
    town: Any, account: Account, published: Any, draft: Any, client_of: Any
) -> None:
    set_targets(account=account, weights=[TargetWeight("VTI", D(100), D(5))])
    open_one, unfinished = published(), draft(name="Unfinished")
    theirs = furnished(town.stranger, "Theirs")
    retired = published(name="Retired")
    client_of(town.author).post(f"{URL}/{retired.public_id}/retire")
    before = snapshot(account)
    api = client_of(town.reader)
    assert clone(api, open_one, theirs).status_code == 404
    assert clone(api, unfinished, account).status_code == 404
    assert clone(client_of(town.author), unfinished, account).status_code == 404
    answer = clone(api, retired, account)
    assert (answer.status_code, answer.json()["code"]) == (409, "strategy_retired")
    answer = clone(api, open_one, account, gain_budget="-1")
    assert answer.status_code == 400
    Asset.objects.filter(symbol="BND").update(is_active=False)
    answer = clone(api, open_one, account)
    assert (answer.status_code, answer.json()["code"]) == (400, "asset_not_tradable")
    Account.objects.filter(pk=account.pk).update(archived_at=timezone.now())
    answer = clone(api, open_one, account)
    assert (answer.status_code, answer.json()["code"]) == (409, "account_archived")
    Account.objects.filter(pk=account.pk).update(archived_at=None)
    assert snapshot(account) == before


def test_a_new_version_shows_what_it_would_change_and_changes_nothing(
    town: Any, account: Account, published: Any, client_of: Any
) -> None:
    strategy, api, author = published(), client_of(town.reader), client_of(town.author)
    assert clone(api, strategy, account).status_code == 202
    url = f"{URL}/{strategy.public_id}"
    weights = [
        {"symbol": "VTI", "target_percentage": "50"},
        {"symbol": "KO", "target_percentage": "50"},
    ]
    author.patch(url, {"weights": weights}, format="json")
    assert author.post(f"{url}/publish", {}, format="json").status_code == 200
    assert aims(account) == {"VTI": 60, "BND": 40}
    (row,) = api.get(f"{url}/accounts").json()["data"]
    assert (row["account_name"], row["followed_version"], row["version"]) == ("Main", 1, 2)
    assert row["changes"] == [
        {"symbol": "VTI", "before": "60", "after": "50", "detail": False},
        {"symbol": "KO", "before": None, "after": "50", "detail": False},
        {"symbol": "BND", "before": "40", "after": None, "detail": False},
    ]
    # The author learns of no one's accounts.
    assert author.get(f"{url}/accounts").json()["data"] == []
    theirs = author.get(f"{url}/accounts", {"account_id": str(account.public_id)})
    assert theirs.status_code == 404
    assert clone(api, strategy, account).status_code == 202
    assert aims(account) == {"VTI": 50, "KO": 50}
    assert Strategy.objects.get().followers == 1
    assert api.delete(f"{url}/follow").status_code == 204
    assert aims(account) == {"VTI": 50, "KO": 50}


def test_the_first_clone_is_shown_before_it_happens(
    town: Any, account: Account, published: Any, client_of: Any
) -> None:
    set_targets(account=account, weights=[TargetWeight("VTI", D(100), D(5))])
    strategy, api = published(), client_of(town.reader)
    query = {"account_id": str(account.public_id)}
    (row,) = api.get(f"{URL}/{strategy.public_id}/accounts", query).json()["data"]
    assert row["followed_version"] is None
    assert [(one["symbol"], one["before"], one["after"]) for one in row["changes"]] == [
        ("VTI", "100", "60"),
        ("BND", None, "40"),
    ]
    assert aims(account) == {"VTI": 100}


def test_no_version_of_targets_is_ever_lost(
    town: Any, account: Account, published: Any, client_of: Any
) -> None:
    set_targets(account=account, weights=[TargetWeight("VTI", D(100), D(5))], user=town.reader)
    set_targets(account=account, weights=[TargetWeight("KO", D(100), D(5))])
    set_targets(account=account, weights=[TargetWeight("KO", D(100), D(5))])
    own = TargetSet.objects.get(account=account)
    versions = list(own.versions.order_by("number"))
    assert [row.weights[0]["symbol"] for row in versions] == ["VTI", "KO"]
    assert versions[0].created_by == town.reader
    strategy = published()
    assert clone(client_of(town.reader), strategy, account).status_code == 202
    assert FollowedTargets.objects.get().version.target_set == strategy.target_set
    set_targets(account=account, weights=[TargetWeight("VTI", D(100), D(5))])
    assert FollowedTargets.objects.get().version.number == 3
    chosen = FollowedTargetsEvent.objects.order_by("pgh_id").values_list("version_id", flat=True)
    assert list(dict.fromkeys(chosen)) == [
        versions[0].pk,
        versions[1].pk,
        strategy.current_version.targets_id,
        own.versions.get(number=3).pk,
    ]


@pytest.mark.parametrize("seed", range(size("CLONES", usual=20, proof=200)))
def test_a_random_clone_obeys_targets_budget_and_restrictions(
    seed: int, town: Any, published: Any, client_of: Any
) -> None:
    draw = random.Random(seed)
    symbols = draw.sample(list(PRICES), draw.randint(2, 4))
    cuts = sorted(draw.sample(range(1, 100), len(symbols) - 1))
    shares = [b - a for a, b in zip([0, *cuts], [*cuts, 100], strict=True)]
    from tests.recommendations.strategies.conftest import wishes

    strategy = published(
        weights=wishes(**{name: str(share) for name, share in zip(symbols, shares, strict=True)})
    )
    account = furnished(town.reader, "Random", cost=str(draw.randint(20, 140)))
    barred = draw.choice([None, *PRICES])
    if barred:
        kind = draw.choice(["no_buy", "no_sell", "no_trade"])
        set_restrictions(account=account, rules=[Rule(barred, kind)])
    budget = draw.choice([None, D(0), D(250), D(2000)])
    stated = {} if budget is None else {"gain_budget": str(budget)}
    plan = planned(clone(client_of(town.reader), strategy, account, **stated))
    assert aims(account) == dict(zip(symbols, map(D, shares), strict=True))
    units = {"VTI": D(100)}
    for trade in plan["trades"]:
        change = D(trade["quantity"])
        units[trade["symbol"]] = units.get(trade["symbol"], D(0)) + (
            change if trade["side"] == "buy" else -change
        )
        if trade["symbol"] == barred:
            assert kind != "no_trade"
            assert kind != f"no_{trade['side']}"
    assert min(units.values()) >= 0
    if budget is not None:
        assert gains(plan, account) <= budget + CENT
    if budget is None and barred is None:
        value = {name: count * D(PRICES[name]) for name, count in units.items()}
        for name, share in zip(symbols, shares, strict=True):
            weight = 100 * value.get(name, D(0)) / D(15000)
            assert abs(weight - share) <= D("5.2"), (name, weight, share)


def gains(plan: dict[str, Any], account: Account) -> D:
    """Return the gains of the sales of VTI, the only holding: proceeds less cost and basis."""
    bought = account.transactions.get(type="buy")
    assert bought.price is not None
    return sum(
        (
            D(trade["quantity"]) * (D(trade["price"]) - bought.price) - D(trade["cost"])
            for trade in plan["trades"]
            if trade["side"] == "sell"
        ),
        D(0),
    )
