"""The household's people: invited by mail, accepted, withdrawn; advisers; who did what."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from identity.models import AdviserLink, Invitation, User
from identity.operations.households import invitation_path
from jobs.models import Outbox

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
GUEST = "guest@ballast.example"


@pytest.fixture
def owner(people: Any) -> Any:
    people.owner.set_password(PASSWORD)
    people.owner.save(update_fields=["password"])
    return people.owner


def enter(user: Any) -> Client:
    client = Client()
    assert client.post("/login", {"email": user.email, "password": PASSWORD}).status_code == 302
    return client


def mailed() -> str:
    row = Outbox.objects.filter(payload__kind="invitation").latest("id")
    assert row.payload["to"] == GUEST
    path = invitation_path(payload=row.payload, now=timezone.now())
    assert path
    assert path.rpartition(".")[2] not in str(list(Outbox.objects.values()))
    return path


def accept(path: str) -> Any:
    client = Client()
    assert client.get(path)["Location"] == "/invitation"
    assert client.get("/invitation").status_code in (200, 400)
    return client.post("/invitation", {"full_name": "Gina Guest", "password": PASSWORD})


def test_a_spouse_is_invited_by_mail_and_joins(owner: Any, client_of: Any) -> None:
    page = enter(owner)
    assert page.post("/settings/household/invite", {"invite-email": GUEST}).status_code == 302
    path = mailed()
    assert accept(path)["Location"] == "/login"
    guest = User.objects.get(email=GUEST)
    assert guest.household_id == owner.household_id
    assert guest.email_verified_at is not None, "the link came from that mailbox"
    told = Outbox.objects.latest("id").payload
    assert (told["kind"], told["user_id"], told["guest"]) == (
        "invitation_accepted",
        str(owner.public_id),
        "Gina Guest",
    )
    assert accept(path).status_code == 400
    assert User.objects.filter(email=GUEST).count() == 1
    assert "Gina Guest" in page.get("/settings/household").content.decode()


def test_a_withdrawn_or_late_invitation_lets_nobody_in(owner: Any) -> None:
    page = enter(owner)
    page.post("/settings/household/invite", {"invite-email": GUEST})
    path, row = mailed(), Outbox.objects.latest("id")
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert invitation_path(payload=row.payload, now=timezone.now()) is None
        assert accept(path).status_code == 400
    invitation = Invitation.objects.get()
    body = {"id": str(invitation.public_id)}
    assert page.post("/settings/household/invitations/withdraw", body).status_code == 302
    assert page.post("/settings/household/invitations/withdraw", body).status_code == 404
    assert page.post("/settings/household/invitations/withdraw", {"id": "x"}).status_code == 404
    assert accept(path).status_code == 400
    assert invitation_path(payload=row.payload, now=timezone.now()) is None
    assert not User.objects.filter(email=GUEST).exists()


def test_a_mailed_token_serves_its_own_address_only(owner: Any) -> None:
    enter(owner).post("/settings/household/invite", {"invite-email": GUEST})
    token = mailed().rpartition("/")[2]
    body = {"email": "thief@ballast.example", "password": PASSWORD, "invitation": token}
    answer = APIClient().post("/api/v1/auth/register", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invitation_invalid")
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert accept(f"/invitation/{forged}").status_code == 400
    assert Invitation.objects.get().accepted_at is None


def test_an_adviser_is_let_in_and_out(owner: Any, people: Any) -> None:
    AdviserLink.objects.all().delete()
    page = enter(owner)
    unknown = page.post("/settings/household/advisers", {"adviser-email": "no@x.example"})
    assert unknown.status_code == 404
    done = page.post("/settings/household/advisers", {"adviser-email": people.adviser.email})
    assert done.status_code == 302
    assert AdviserLink.objects.filter(household_id=owner.household_id).count() == 1
    kinds = Outbox.objects.filter(payload__kind="adviser_added")
    told = set(kinds.values_list("payload__user_id", flat=True))
    assert told == {str(people.owner.public_id), str(people.spouse.public_id)}
    body = {"id": str(people.adviser.public_id)}
    assert page.post("/settings/household/advisers/withdraw", body).status_code == 302
    assert not AdviserLink.objects.exists()
    assert page.post("/settings/household/advisers/withdraw", body).status_code == 404


@pytest.mark.parametrize("path", ["invite", "advisers"])
def test_letting_somebody_in_needs_a_recent_proof(owner: Any, people: Any, path: str) -> None:
    AdviserLink.objects.all().delete()
    with time_machine.travel("2026-01-05T12:00:00Z", tick=False) as clock:
        page = enter(owner)
        clock.shift(timedelta(minutes=16))
        form = {"invite-email": GUEST, "adviser-email": people.adviser.email}
        answer = page.post(f"/settings/household/{path}", form)
        assert answer["Location"] == "/settings/security/proof?next=%2Fsettings%2Fhousehold"
    assert not Invitation.objects.exists()
    assert not AdviserLink.objects.exists()


def test_the_trail_shows_the_household_and_hides_where_others_log_in_from(
    owner: Any, people: Any, client_of: Any
) -> None:
    page = Client(REMOTE_ADDR="192.0.2.44")
    page.post("/login", {"email": owner.email, "password": PASSWORD})
    page.post("/settings/household/invite", {"invite-email": GUEST})
    mine = page.get("/settings/security/activity").content.decode()
    assert f"{owner.email} logged in" in mine
    assert "192.0.2.44" in mine
    assert re.search(rf"invited: {GUEST}", mine)
    rows = client_of(people.spouse).get("/api/v1/users/me/audit").json()["data"]
    assert {row["kind"] for row in rows} == {"log_in", "invitation"}
    assert "192.0.2.44" not in str(rows)
    for person in (people.stranger, people.adviser):
        assert client_of(person).get("/api/v1/users/me/audit").json()["data"] == []


def test_the_page_of_deletion_asks_and_takes_back(owner: Any) -> None:
    page = enter(owner)
    assert "tax law" in page.get("/settings/delete").content.decode()
    assert page.post("/settings/delete")["Location"] == "/settings/delete"
    assert User.objects.get(pk=owner.pk).closes_at is not None
    assert page.post("/settings/delete", {"stay": "1"})["Location"] == "/settings/security"
    assert User.objects.get(pk=owner.pk).closes_at is None
