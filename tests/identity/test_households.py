"""Households over HTTP: owner, spouse, adviser and stranger."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from core.limits import ADVISERS_PER_HOUSEHOLD_MAX, HOUSEHOLD_MEMBERS_MAX
from identity.models import AdviserLink, Household, Invitation, Role, User

pytestmark = pytest.mark.django_db

Clients = Callable[[User], APIClient]
INVITATIONS = "/api/v1/households/invitations"
ADVISERS = "/api/v1/households/advisers"


def test_an_invitation_is_seen_by_the_household_and_by_nobody_else(
    people: Any, client_of: Clients
) -> None:
    made = client_of(people.owner).post(INVITATIONS, {"email": "New@b.example"})
    assert made.status_code == 201
    assert set(made.json()) == {"id", "email", "created_at", "expires_at", "token"}
    listed = client_of(people.spouse).get(INVITATIONS).json()
    assert (listed["total"], listed["data"][0]["email"]) == (1, "new@b.example")
    assert "token" not in listed["data"][0]
    for other in (people.stranger, people.adviser, people.operator):
        assert client_of(other).get(INVITATIONS).json()["data"] == []


@pytest.mark.parametrize("who", ["stranger", "adviser", "operator"])
def test_an_invitation_of_others_cannot_be_taken_back(
    people: Any, client_of: Clients, who: str
) -> None:
    made = client_of(people.owner).post(INVITATIONS, {"email": "new@b.example"}).json()
    answer = client_of(getattr(people, who)).delete(f"{INVITATIONS}/{made['id']}")
    assert (answer.status_code, answer.json()["code"]) == (404, "invitation_not_found")
    assert Invitation.objects.get().revoked_at is None
    assert client_of(people.spouse).delete(f"{INVITATIONS}/{made['id']}").status_code == 204
    assert Invitation.objects.get().revoked_at is not None
    again = client_of(people.spouse).delete(f"{INVITATIONS}/{made['id']}")
    assert again.status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "required"),
        ({"email": "nobody"}, "invalid"),
        ({"email": "a@b.example", "household_id": "x"}, "unknown_field"),
        ([], "invalid"),
    ],
)
def test_a_wrong_invitation_is_refused(
    people: Any, client_of: Clients, body: Any, code: str
) -> None:
    answer = client_of(people.owner).post(INVITATIONS, body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert not Invitation.objects.exists()


def test_an_invitation_ends_when_its_inviter_leaves_the_household(
    people: Any, client_of: Clients
) -> None:
    for number, leave in enumerate(
        ({"is_active": False}, {"household": people.stranger.household})
    ):
        email = f"new{number}@b.example"
        made = client_of(people.spouse).post(INVITATIONS, {"email": email}).json()
        home = people.spouse.household
        User.objects.filter(pk=people.spouse.pk).update(**leave)
        body = {"email": email, "password": "a wholly new passphrase", "full_name": "New"}
        body["invitation"] = made["token"]
        answer = APIClient().post("/api/v1/auth/register", body)
        assert (answer.status_code, answer.json()["code"]) == (400, "invitation_invalid")
        assert not User.objects.filter(email=email).exists()
        User.objects.filter(pk=people.spouse.pk).update(is_active=True, household=home)
        assert APIClient().post("/api/v1/auth/register", body).status_code == 201


def test_a_household_has_room_for_ten_invited_or_present(people: Any, client_of: Clients) -> None:
    api = client_of(people.owner)
    room = HOUSEHOLD_MEMBERS_MAX - 2
    statuses = [
        api.post(INVITATIONS, {"email": f"{index}@b.example"}).status_code
        for index in range(room + 1)
    ]
    assert statuses == [201] * room + [409]
    assert Invitation.objects.count() == room
    # Inviting the same address again replaces the invitation and takes no more room.
    assert api.post(INVITATIONS, {"email": "0@b.example"}).status_code == 201
    assert api.get(INVITATIONS).json()["total"] == room


def test_an_adviser_is_let_in_and_out_by_the_household_alone(
    people: Any, client_of: Clients
) -> None:
    AdviserLink.objects.all().delete()
    owner, spouse = client_of(people.owner), client_of(people.spouse)
    made = owner.post(ADVISERS, {"email": "Adviser@Ballast.Example"})
    assert made.status_code == 201
    assert made.json()["id"] == str(people.adviser.public_id)
    assert owner.post(ADVISERS, {"email": people.adviser.email}).status_code == 201
    assert AdviserLink.objects.count() == 1
    assert spouse.get(ADVISERS).json()["total"] == 1
    address = f"{ADVISERS}/{people.adviser.public_id}"
    for other in (people.stranger, people.adviser, people.operator):
        assert client_of(other).get(ADVISERS).json()["total"] == 0
        assert client_of(other).delete(address).status_code == 404
    assert AdviserLink.objects.count() == 1
    assert spouse.delete(address).status_code == 204
    assert not AdviserLink.objects.exists()
    assert spouse.delete(address).status_code == 404


@pytest.mark.parametrize("case", ["nobody", "no adviser", "closed"])
def test_who_is_no_adviser_cannot_be_told_from_who_does_not_exist(
    people: Any, client_of: Clients, case: str
) -> None:
    AdviserLink.objects.all().delete()
    email = {"nobody": "x@b.example", "no adviser": people.stranger.email}.get(
        case, people.adviser.email
    )
    if case == "closed":
        User.objects.filter(pk=people.adviser.pk).update(is_active=False)
    answer = client_of(people.owner).post(ADVISERS, {"email": email})
    assert (answer.status_code, answer.json()["code"]) == (404, "adviser_not_found")
    assert answer.json()["detail"] == "No adviser has this e-mail address. Check its spelling."
    assert not AdviserLink.objects.exists()


def test_an_adviser_of_the_house_is_refused(people: Any, client_of: Clients) -> None:
    answer = client_of(people.adviser).post(ADVISERS, {"email": people.adviser.email})
    assert (answer.status_code, answer.json()["code"]) == (409, "adviser_is_member")


def test_a_household_has_a_bounded_number_of_advisers(people: Any, client_of: Clients) -> None:
    office = Household.objects.create(name="Office")
    for index in range(ADVISERS_PER_HOUSEHOLD_MAX):
        adviser = User.objects.create_user(
            email=f"{index}@b.example", password=None, household=office, role=Role.ADVISER
        )
        AdviserLink.objects.get_or_create(adviser=adviser, household=people.owner.household)
    AdviserLink.objects.filter(adviser=people.adviser).delete()
    answer = client_of(people.owner).post(ADVISERS, {"email": people.adviser.email})
    assert (answer.status_code, answer.json()["code"]) == (409, "advisers_too_many")
    assert AdviserLink.objects.count() == ADVISERS_PER_HOUSEHOLD_MAX


@pytest.mark.parametrize("address", [INVITATIONS, ADVISERS])
def test_lists_are_pages_with_a_cap(people: Any, client_of: Clients, address: str) -> None:
    api = client_of(people.owner)
    page = api.get(f"{address}?page_size=7").json()
    assert set(page) == {"data", "total", "page", "page_size"}
    answer = api.get(f"{address}?page_size=1000000000")
    assert (answer.status_code, answer.json()["code"]) == (400, "page_size_too_large")


@pytest.mark.parametrize("address", [INVITATIONS, ADVISERS])
def test_nobody_without_a_name_gets_in(db: None, address: str) -> None:
    for answer in (
        APIClient().get(address),
        APIClient().post(address, {"email": "a@b.example"}),
        APIClient().delete(f"{address}/{uuid4()}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_an_id_that_is_none_is_not_found(people: Any, client_of: Clients) -> None:
    for bad in ("1", "x", "%00", str(uuid4())):
        assert client_of(people.owner).delete(f"{ADVISERS}/{bad}").status_code == 404


def test_queries_do_not_grow_with_the_list(
    people: Any, client_of: Clients, django_assert_num_queries: Any
) -> None:
    api = client_of(people.owner)
    api.get(ADVISERS)
    with django_assert_num_queries(2):
        assert api.get(ADVISERS).json()["total"] == 1
    office = Household.objects.create(name="Office")
    for index in range(20):
        adviser = User.objects.create_user(
            email=f"{index}@b.example", password=None, household=office, role=Role.ADVISER
        )
        AdviserLink.objects.create(adviser=adviser, household=people.owner.household)
    with django_assert_num_queries(2):
        assert api.get(ADVISERS).json()["total"] == 21
