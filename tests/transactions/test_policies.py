"""What a household decides, and what is decided for it: its whole ledger follows."""

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.identifiers import uuid7
from identity.models import Household, User
from marketdata.models import Asset, IdentityDecision
from marketdata.operations import decide_identity
from transactions.ledger.entries import Entry
from transactions.models import (
    Account,
    Disposal,
    Lot,
    Rebooking,
    Transaction,
    WashSale,
    WashSalePolicy,
)
from transactions.operations import open_account, policies, rebookings, record
from transactions.operations.rebookings import follow_identity_decisions
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
    assert set(body["reasons"]) == set(body) - {"household_id", "rebooking_pending", "reasons"}
    assert body["rebooking_pending"] is False
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


def test_a_large_household_is_rebooked_under_its_new_policy_by_a_worker(
    washed: Account, people: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two changes before the worker comes are one rebooking, under the last policy."""
    monkeypatch.setattr(policies, "EVENTS_AT_ONCE_MAX", 2)
    client = client_of(people.owner)
    for enabled in (True, False):
        body = client.put(PATH, {"enabled": enabled}, format="json").json()
        assert (body["enabled"], body["rebooking_pending"]) == (enabled, True)
    assert client.get(PATH).json()["rebooking_pending"] is True
    assert (deferred(), Rebooking.objects.count()) == (D(200), 1)
    said = io.StringIO()
    with pytest.raises(CommandError, match="differences"):
        call_command("verify_ledger", stdout=said, stderr=said)
    waiting = f"The rebooking of household {washed.household_id} after a change of its policy is"
    assert said.getvalue().count(waiting) == 1
    assert follow_identity_decisions(now=timezone.now()) == 1
    assert client.get(PATH).json()["rebooking_pending"] is False
    call_command("verify_ledger", stdout=said, stderr=said)
    assert said.getvalue().count(waiting) == 1
    assert deferred() == 0
    assert differences() == []
    assert Lot.objects.get(quantity__gt=0).cost_basis == D(1840)


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


def test_a_decision_on_an_own_asset_concerns_its_household_alone(
    account: Account, people: Any, assets: Any
) -> None:
    now = timezone.now()
    own = Asset.objects.create(
        symbol="OWN",
        name="Own",
        asset_class="etf",
        currency="USD",
        household=people.owner.household,
    )
    others = open_account(
        user=people.stranger, name="Main", type="taxable", currency="USD", now=now
    )
    for user, where in ((people.owner, account), (people.stranger, others)):
        record(account=where, entries=[trade("buy", "2025-01-06", "4", "40")], user=user, now=now)
    version = Account.objects.get(pk=others.pk).ledger_version
    decide_identity(asset=own, identical_to=assets["AAA"], user=people.owner, now=now)
    assert follow_identity_decisions(now=now) == 1
    assert Account.objects.get(pk=others.pk).ledger_version == version
    decide_identity(asset=assets["BBB"], identical_to=assets["AAA"], user=people.operator, now=now)
    assert follow_identity_decisions(now=now) == 2


def test_a_household_that_cannot_be_rebooked_is_set_aside_and_holds_up_nobody(
    account: Account, people: Any, assets: Any
) -> None:
    now = timezone.now()
    poisoned = open_account(
        user=people.stranger, name="Main", type="taxable", currency="USD", now=now
    )
    for user, where in ((people.owner, account), (people.stranger, poisoned)):
        entries = [
            trade("buy", "2025-01-06", "40", "2000"),
            trade("sell", "2025-03-03", "40", "1800"),
            trade("buy", "2025-03-20", "40", "1840", "BBB"),
        ]
        record(account=where, entries=entries, user=user, now=now)
    # As a fault of the ledger or of the disk would leave it: a sale of more than there was.
    Transaction.objects.bulk_create(
        [oversold(Transaction.objects.get(account=poisoned, type="sell"))]
    )
    decision = decide_identity(
        asset=assets["BBB"], identical_to=assets["AAA"], user=people.operator, now=now
    )
    assert follow_identity_decisions(now=now) == 1
    assert deferred() == D(200)
    aside = Rebooking.objects.get()
    assert (aside.household, aside.attempts) == (people.stranger.household, 1)
    assert aside.error.startswith("insufficient_quantity at transaction ")
    assert aside.next_at == now + timedelta(minutes=2)
    decision.refresh_from_db()
    assert decision.applied_at is None
    assert follow_identity_decisions(now=now + timedelta(minutes=1)) == 0

    # Put right, it is rebooked when its time has come, and the decision is done.
    wrong = Transaction.objects.get(account=poisoned, type="sell", quantity=41)
    Transaction.objects.bulk_create([reversal_of(wrong)])
    later = now + timedelta(minutes=2)
    assert follow_identity_decisions(now=later) == 1
    decision.refresh_from_db()
    assert decision.applied_at == later
    assert not Rebooking.objects.exists()
    assert deferred() == D(400)
    assert differences() == []


def copied(row: Transaction, **changed: Any) -> Transaction:
    values = {field.attname: getattr(row, field.attname) for field in Transaction._meta.fields}
    values |= {"id": None, "public_id": uuid7(), "cash_effect": D(0), **changed}
    return Transaction(**values)


def oversold(row: Transaction) -> Transaction:
    return copied(row, quantity=D(41), executed_at=row.executed_at + timedelta(hours=1))


def reversal_of(row: Transaction) -> Transaction:
    return copied(row, reverses_id=row.pk)


@pytest.mark.parametrize("households_at_once", [1, 100])
def test_households_are_rebooked_in_sets(
    households_at_once: int,
    account: Account,
    people: Any,
    assets: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As many queries for many households as for one; killed after a set, the rest is done next."""
    now = timezone.now()
    monkeypatch.setattr(rebookings, "HOUSEHOLDS_AT_ONCE", households_at_once)
    owners = [people.owner]
    for number in range(5):
        home = Household.objects.create(name=f"Home {number}")
        owners.append(
            User.objects.create_user(
                email=f"o{number}@ballast.example", password=None, household=home
            )
        )
    for owner in owners:
        where = open_account(user=owner, name="Main", type="taxable", currency="USD", now=now)
        entries = [
            trade("buy", "2025-01-06", "40", "2000"),
            trade("sell", "2025-03-03", "40", "1800"),
            trade("buy", "2025-03-20", "40", "1840", "BBB"),
        ]
        record(account=where, entries=entries, user=owner, now=now)
    decide_identity(asset=assets["BBB"], identical_to=assets["AAA"], user=people.operator, now=now)
    ticks = iter([now, now + timedelta(seconds=rebookings.RUN_S_MAX)])
    with CaptureQueriesContext(connection) as first:
        done = follow_identity_decisions(now=now, clock=lambda: next(ticks))
    assert done == min(households_at_once, 6)
    assert len(first) < 45
    assert follow_identity_decisions(now=now) == 6 - done
    assert deferred() == 6 * D(200)
    assert differences() == []
