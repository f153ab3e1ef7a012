"""A registered person joins the household that invited them, unless something would be lost."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from core.errors import Conflict
from core.limits import HOUSEHOLD_MEMBERS_MAX
from identity.models import (
    AccountantLink,
    AdviserLink,
    Household,
    Invitation,
    Role,
    SecurityEvent,
    TokenFamily,
    User,
)
from identity.operations.accountants import grant_accountant
from identity.operations.households import _mailed, grant_adviser, invite
from identity.operations.users import deactivate, move
from marketdata.models import Asset
from marketdata.operations.own_assets import create_own_asset
from portfolios.models import Goal
from portfolios.operations.goals import StatedGoal, add_goal

pytestmark = pytest.mark.django_db

Clients = Callable[[User], APIClient]
INVITATIONS = "/api/v1/households/invitations"
ACCOUNT = {"name": "Theirs", "type": "taxable", "currency": "USD"}


@pytest.fixture
def token(people: Any, client_of: Clients) -> str:
    """An invitation of the stranger into the owner's household."""
    made = client_of(people.owner).post(INVITATIONS, {"email": people.stranger.email})
    return str(made.json()["token"])


def join(client: APIClient, token: str) -> Any:
    return client.post(f"{INVITATIONS}/accept", {"invitation": token})


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_who_holds_nothing_joins_and_sees_the_accounts_at_once(
    people: Any,
    account: Any,
    client_of: Clients,
    token: str,
    django_capture_on_commit_callbacks: Any,
) -> None:
    left = people.stranger.household
    AdviserLink.objects.create(adviser=people.adviser, household=left)
    client = client_of(people.stranger)
    assert client.get(f"/api/v1/accounts/{account.public_id}").status_code == 404
    with django_capture_on_commit_callbacks(execute=True):
        answer = join(client, token)
    assert answer.status_code == 200, answer.content
    assert answer.json()["household"]["name"] == people.owner.household.name
    people.stranger.refresh_from_db()
    fresh = client_of(people.stranger)
    assert fresh.get(f"/api/v1/accounts/{account.public_id}").status_code == 200
    assert not AdviserLink.objects.filter(household=left).exists()
    assert Invitation.objects.get().accepted_at is not None
    kinds = set(SecurityEvent.objects.values_list("household_id", "kind"))
    assert (left.pk, "household_left") in kinds
    assert (people.owner.household_id, "invitation_accepted") in kinds
    assert refused(join(fresh, token)) == (400, "invitation_invalid")


@pytest.mark.parametrize("kind", ["account", "archived", "asset", "note", "goal"])
def test_nobody_joins_away_from_what_only_they_can_reach(
    people: Any, assets: Any, client_of: Clients, token: str, kind: str
) -> None:
    client = client_of(people.stranger)
    if kind == "asset":
        body = {"symbol": "OWN", "name": "Ours", "currency": "USD", "asset_class": "equity"}
        assert client.post("/api/v1/market/assets", body).status_code == 201
    elif kind == "goal":
        Goal.objects.create(
            household=people.stranger.household,
            name="House",
            target=1000,
            currency="USD",
            target_date="2040-01-01",
            created_at=timezone.now(),
        )
    elif kind == "note":
        body = {"subject_type": "asset", "subject_id": str(assets["AAA"].public_id), "body": "Hm"}
        assert client.post("/api/v1/notes", body).status_code == 201
    else:
        made = client.post("/api/v1/accounts", ACCOUNT).json()
        if kind == "archived":
            client.post(f"/api/v1/accounts/{made['id']}/archive")
    home = people.stranger.household_id
    answer = join(client, token)
    assert refused(answer) == (409, "household_holds_data")
    lost = {"asset": "1 asset of your own", "note": "1 note", "goal": "1 goal"}.get(
        kind, "1 account"
    )
    assert lost in answer.json()["detail"]
    people.stranger.refresh_from_db()
    assert people.stranger.household_id == home
    assert Invitation.objects.get().accepted_at is None


def test_who_shares_a_household_leaves_it_to_the_others_but_not_their_own_accounts(
    people: Any, account: Any, client_of: Clients
) -> None:
    made = client_of(people.stranger).post(INVITATIONS, {"email": people.owner.email}).json()
    assert refused(join(client_of(people.owner), made["token"])) == (409, "household_holds_data")
    made = client_of(people.stranger).post(INVITATIONS, {"email": people.spouse.email}).json()
    assert join(client_of(people.spouse), made["token"]).status_code == 200
    people.owner.refresh_from_db()
    assert client_of(people.owner).get(f"/api/v1/accounts/{account.public_id}").status_code == 200


@pytest.mark.parametrize("who", ["owner", "spouse", "adviser", "operator"])
def test_an_invitation_is_for_its_address_alone(
    people: Any, client_of: Clients, token: str, who: str
) -> None:
    person = getattr(people, who)
    home = person.household_id
    assert refused(join(client_of(person), token)) == (400, "invitation_invalid")
    person.refresh_from_db()
    assert person.household_id == home
    assert Invitation.objects.get().accepted_at is None


def test_joining_needs_a_recent_proof_and_room(people: Any, client_of: Clients, token: str) -> None:
    client = client_of(people.stranger)
    TokenFamily.objects.update(proved_at=timezone.now() - timedelta(minutes=16))
    assert refused(join(client, token)) == (403, "proof_required")
    for number in range(HOUSEHOLD_MEMBERS_MAX):
        User.objects.create_user(
            email=f"m{number}@b.example", password=None, household=people.owner.household
        )
    assert refused(join(client_of(people.stranger), token)) == (409, "household_full")
    assert Invitation.objects.get().accepted_at is None


def test_a_member_is_told_that_nothing_needs_to_be_done(
    people: Any, client_of: Clients, token: str
) -> None:
    User.objects.filter(pk=people.stranger.pk).update(household=people.owner.household)
    people.stranger.refresh_from_db()
    assert refused(join(client_of(people.stranger), token)) == (409, "already_member")


def test_an_adviser_who_joins_is_a_member_and_no_adviser_any_more(
    people: Any, client_of: Clients
) -> None:
    made = client_of(people.owner).post(INVITATIONS, {"email": people.adviser.email}).json()
    Household.objects.filter(pk=people.adviser.household_id).update(name="Alone")
    assert join(client_of(people.adviser), made["token"]).status_code == 200
    assert not AdviserLink.objects.filter(
        adviser=people.adviser, household=people.owner.household
    ).exists()


def granted_books(people: Any, household: Household) -> AccountantLink:
    User.objects.filter(pk=people.operator.pk).update(role=Role.ACCOUNTANT)
    now = timezone.now()
    return AccountantLink.objects.create(
        accountant=people.operator,
        household=household,
        years=[now.year],
        ends_at=now + timedelta(days=90),
        created_at=now,
    )


def test_no_accountant_reads_on_what_its_last_member_has_left(
    people: Any, client_of: Clients, token: str
) -> None:
    link = granted_books(people, people.stranger.household)
    assert join(client_of(people.stranger), token).status_code == 200
    assert not AccountantLink.objects.filter(pk=link.pk).exists()


def test_no_accountant_reads_on_when_the_last_member_is_closed(people: Any) -> None:
    kept = granted_books(people, people.owner.household)
    deactivate(user=people.owner, now=timezone.now())
    assert AccountantLink.objects.filter(pk=kept.pk).exists()
    deactivate(user=people.spouse, now=timezone.now())
    assert not AccountantLink.objects.filter(pk=kept.pk).exists()


def test_an_accountant_who_joins_keeps_no_access_for_when_they_leave(people: Any) -> None:
    link = granted_books(people, people.owner.household)
    accountant = User.objects.get(pk=people.operator.pk)
    move(user=accountant, household=people.owner.household)
    assert not AccountantLink.objects.filter(pk=link.pk).exists()


@pytest.mark.parametrize("what", ["invite", "adviser", "accountant", "asset", "goal"])
def test_a_request_that_began_before_leaving_writes_nothing_into_what_was_left(
    people: Any, what: str
) -> None:
    """It knows the household of its beginning, in which nobody would reach what it writes."""
    now, late = timezone.now(), User.objects.get(pk=people.stranger.pk)
    granted_books(people, people.owner.household)
    AccountantLink.objects.all().delete()
    move(user=people.stranger, household=people.owner.household)
    goal = StatedGoal("House", Decimal(1000), "USD", date(2040, 1, 1), Decimal(0))
    acts: dict[str, Callable[[], object]] = {
        "invite": lambda: invite(user=late, email="new@ballast.example", now=now),
        "adviser": lambda: grant_adviser(user=late, email=people.adviser.email, now=now),
        "accountant": lambda: grant_accountant(
            user=late,
            email=people.operator.email,
            years=[now.year],
            ends_at=now + timedelta(days=9),
            now=now,
        ),
        "asset": lambda: create_own_asset(
            user=late, symbol="OWN", name="Ours", asset_class="equity", currency="USD"
        ),
        "goal": lambda: add_goal(user=late, stated=goal, now=now),
    }
    with pytest.raises(Conflict) as refused_:
        acts[what]()
    assert refused_.value.code == "household_changed"
    left = late.household_id
    for rows in (Invitation, AdviserLink, AccountantLink, Asset, Goal):
        assert not rows.objects.filter(household_id=left).exists()


def test_the_page_says_what_joining_means_and_joins(
    people: Any, client: Any, client_of: Clients, token: str
) -> None:
    client.force_login(people.stranger)
    session = client.session
    session["_proved_at"] = int(timezone.now().timestamp())
    session.save()
    opened = client.get(f"/invitation/{_mailed(Invitation.objects.get())}", follow=True)
    text = opened.content.decode()
    assert "nothing is lost" in text
    client_of(people.stranger).post("/api/v1/accounts", ACCOUNT)
    assert "no longer reach 1 account" in client.get("/invitation").content.decode()
    assert client.post("/invitation").status_code == 409
    people.stranger.accounts.all().delete()
    assert client.post("/invitation").status_code == 302
    people.stranger.refresh_from_db()
    assert people.stranger.household_id == people.owner.household_id
