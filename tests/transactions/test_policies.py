"""What a household decides, and what is decided for it: its whole ledger follows."""

from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from marketdata.models import Asset, IdentityDecision
from marketdata.operations import decide_identity
from transactions.ledger.entries import Entry
from transactions.models import Account, Disposal, Lot, WashSale, WashSalePolicy
from transactions.operations import open_account, record
from transactions.operations.policies import follow_identity_decisions
from transactions.operations.verification import verified

pytestmark = pytest.mark.django_db
PATH = "/api/v1/tax/wash-sale-policy"


def trade(kind: str, day: str, quantity: str, amount: str, symbol: str = "AAA") -> Entry:
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return Entry(kind, at, "USD", symbol, D(quantity), amount=D(amount))


def differences() -> list[Any]:
    return [found for batch in verified() for found in batch.differences]


def deferred() -> D:
    return sum(Disposal.objects.values_list("deferred_loss", flat=True), D(0))


@pytest.fixture
def washed(account: Account, people: Any, assets: Any) -> Account:
    """Forty sold at a loss of 200.00 and bought again on the 17th day."""
    record(
        account=account,
        entries=[
            trade("buy", "2025-01-06", "40", "2000"),
            trade("sell", "2025-03-03", "40", "1800"),
            trade("buy", "2025-03-20", "40", "1840"),
        ],
        user=people.owner,
        now=timezone.now(),
    )
    return account


def test_the_defaults_are_said_with_their_reasons(people: Any, client_of: Any) -> None:
    body = client_of(people.owner).get(PATH).json()
    assert body["enabled"] is True
    assert body["holding_period"] == "add_days"
    assert set(body["reasons"]) == set(body) - {"household_id", "reasons"}
    assert client_of(people.spouse).get(PATH).json() == body


def test_a_household_outside_the_statute_switches_wash_sales_off_and_on_again(
    washed: Account, people: Any, client_of: Any
) -> None:
    before = washed.ledger_version
    assert deferred() == D(200)
    client = client_of(people.owner)
    assert client.put(PATH, {"enabled": False}, format="json").json()["enabled"] is False
    assert deferred() == 0
    assert not WashSale.objects.exists()
    assert Lot.objects.get(quantity__gt=0).cost_basis == D(1840)
    assert differences() == []
    client.put(PATH, {"enabled": True}, format="json")
    assert deferred() == D(200)
    assert Lot.objects.get(quantity__gt=0).cost_basis == D(2040)
    assert differences() == []
    washed.refresh_from_db()
    assert washed.ledger_version > before


def test_the_date_is_carried_over_where_the_household_says_so(
    washed: Account, people: Any, client_of: Any
) -> None:
    lot = Lot.objects.get(quantity__gt=0)
    assert lot.holding_period_date.isoformat() == "2025-01-23"
    client_of(people.owner).put(PATH, {"holding_period": "carry_date"}, format="json")
    lot = Lot.objects.get(quantity__gt=0)
    assert lot.holding_period_date.isoformat() == "2025-01-06"
    assert differences() == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"holding_period": "guess"}, "invalid_choice"),
        ({"enabled": "perhaps"}, "invalid"),
        ({"colour": "blue"}, "unknown_field"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refused_policy_changes_nothing(
    washed: Account, people: Any, client_of: Any, body: Any, code: str
) -> None:
    answer = client_of(people.owner).put(PATH, body, format="json")
    assert answer.status_code == 400
    problem = answer.json()
    assert code in {problem["code"], *(row["code"] for row in problem["errors"])}
    assert not WashSalePolicy.objects.exists()
    assert deferred() == D(200)


def test_an_adviser_sets_it_for_a_client_and_a_stranger_finds_no_such_household(
    washed: Account, people: Any, client_of: Any
) -> None:
    home = f"{PATH}?household_id={people.owner.household.public_id}"
    assert client_of(people.stranger).get(home).status_code == 404
    assert (
        client_of(people.stranger).put(home, {"enabled": False}, format="json").status_code == 404
    )
    assert deferred() == D(200)
    answer = client_of(people.adviser).put(home, {"enabled": False}, format="json")
    assert answer.status_code == 200
    assert deferred() == 0


def test_a_401k_counts_unless_the_household_says_otherwise(
    account: Account, people: Any, assets: Any, client_of: Any
) -> None:
    plan = open_account(
        user=people.owner, name="Plan", type="401k", currency="USD", now=timezone.now()
    )
    now = timezone.now()
    sold = [trade("buy", "2025-01-06", "40", "2000"), trade("sell", "2025-03-03", "40", "1800")]
    record(account=account, entries=sold, user=people.owner, now=now)
    record(
        account=plan,
        entries=[trade("buy", "2025-03-10", "10", "460")],
        user=people.owner,
        now=now,
    )
    assert Disposal.objects.get().permanent_loss == D(50)
    client_of(people.owner).put(PATH, {"employer_plan_counts": False}, format="json")
    assert Disposal.objects.get().permanent_loss == 0
    assert differences() == []


def test_crypto_is_property_unless_the_household_says_otherwise(
    washed: Account, people: Any, assets: Any, client_of: Any
) -> None:
    Asset.objects.filter(symbol="AAA").update(asset_class="crypto")
    client = client_of(people.owner)
    client.put(PATH, {}, format="json")
    assert deferred() == 0
    client.put(PATH, {"crypto_exempt": False}, format="json")
    assert deferred() == D(200)
    assert differences() == []


def test_a_decision_on_identity_reaches_every_ledger_and_says_who_and_when(
    account: Account, people: Any, assets: Any, client_of: Any
) -> None:
    record(
        account=account,
        entries=[
            trade("buy", "2025-01-06", "40", "2000"),
            trade("sell", "2025-03-03", "40", "1800"),
            trade("buy", "2025-03-20", "40", "1840", "BBB"),
        ],
        user=people.owner,
        now=timezone.now(),
    )
    assert deferred() == 0
    now = timezone.now()
    decision = decide_identity(
        asset=assets["BBB"], identical_to=assets["AAA"], user=people.operator, now=now, reason="ETF"
    )
    assert follow_identity_decisions(now=now) == 1
    assert deferred() == D(200)
    assert differences() == []
    decision.refresh_from_db()
    assert (decision.decided_by, decision.applied_at) == (people.operator, now)
    body = client_of(people.owner).get("/api/v1/market/assets/BBB/identity").json()
    assert body["data"][0]["substantially_identical_to"] == "AAA"
    assert body["data"][0]["decided_by"] == "operator"

    bbb = Asset.objects.get(symbol="BBB")
    decide_identity(asset=bbb, identical_to=None, user=people.operator, now=now)
    assert follow_identity_decisions(now=now) == 1
    assert follow_identity_decisions(now=now) == 0
    assert deferred() == 0
    assert differences() == []


def test_own_assets_are_decided_on_by_their_household_only(
    people: Any, assets: Any, client_of: Any
) -> None:
    owner, stranger = client_of(people.owner), client_of(people.stranger)
    own = {"symbol": "OWN", "name": "Own", "currency": "USD", "asset_class": "etf"}
    assert owner.post("/api/v1/market/assets", own, format="json").status_code == 201
    path = "/api/v1/market/assets/OWN/identity"
    body = {"substantially_identical_to": "AAA", "reason": "same index"}
    assert stranger.post(path, body, format="json").status_code == 404
    refused = owner.post(
        "/api/v1/market/assets/AAA/identity", {"substantially_identical_to": "BBB"}, format="json"
    )
    assert (refused.status_code, refused.json()["code"]) == (400, "asset_not_own")
    itself = owner.post(path, {"substantially_identical_to": "OWN"}, format="json")
    assert (itself.status_code, itself.json()["code"]) == (400, "identical_to_itself")
    unknown = owner.post(path, {"substantially_identical_to": "NOPE"}, format="json")
    assert (unknown.status_code, unknown.json()["code"]) == (400, "symbol_unknown")
    assert not IdentityDecision.objects.exists()
    assert owner.post(path, body, format="json").status_code == 201
    assert Asset.objects.get(symbol="OWN").substantially_identical_to == assets["AAA"]
    assert owner.get(path).json()["data"][0]["decided_by"] == people.owner.email
