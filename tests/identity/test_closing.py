"""Deletion of oneself: thirty days, taken back or done, and what is erased."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from identity.models import AdviserLink, ApiKey, Passkey, TokenFamily, User, household_ids
from identity.operations import closing, users
from identity.operations.api_keys import make_key
from identity.origins import NOWHERE
from jobs.models import Outbox
from tests.identity.conftest import PASSWORD

pytestmark = pytest.mark.django_db

ME = "/api/v1/users/me"
LogIn = Callable[..., APIClient]


def ask(api: APIClient) -> Any:
    return api.delete(ME)


def test_asking_ends_the_keys_and_the_other_log_ins_and_sets_the_day(
    people: Any, log_in: LogIn, django_capture_on_commit_callbacks: Any
) -> None:
    _, key = make_key(
        user=people.owner,
        name="k",
        scopes=["read"],
        account_ids=None,
        expires_at=None,
        now=timezone.now(),
        origin=NOWHERE,
    )
    other, api = log_in(people.owner), log_in(people.owner)
    with django_capture_on_commit_callbacks(execute=True):
        answer = ask(api)
    assert answer.status_code == 202, answer.content
    body = api.get(ME).json()
    assert body["closes_at"] == answer.json()["closes_at"]
    assert other.get(ME).status_code == 401
    by_key = APIClient()
    by_key.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    assert by_key.get("/api/v1/accounts").status_code == 401
    again = ask(api)
    assert (again.status_code, again.json()["code"]) == (409, "closing_already")
    assert Outbox.objects.latest("id").payload["kind"] == "deletion_asked"


def test_until_the_day_it_can_be_taken_back(people: Any, log_in: LogIn) -> None:
    with time_machine.travel("2026-01-05T12:00:00Z", tick=False) as clock:
        assert ask(log_in(people.owner)).status_code == 202
        clock.shift(timedelta(days=29, hours=23))
        assert closing.close_due(now=timezone.now()) == 0
        api = log_in(people.owner)
        assert api.post(f"{ME}/restore").status_code == 204
        assert api.get(ME).json()["closes_at"] is None
        none = api.post(f"{ME}/restore")
        assert (none.status_code, none.json()["code"]) == (409, "closing_not_asked")
        clock.shift(timedelta(days=2))
        assert closing.close_due(now=timezone.now()) == 0
    assert User.objects.get(pk=people.owner.pk).is_active


def test_on_the_day_everything_that_names_or_lets_in_is_erased(
    people: Any, account: Any, log_in: LogIn
) -> None:
    with time_machine.travel("2026-01-05T12:00:00Z", tick=False) as clock:
        assert ask(log_in(people.owner)).status_code == 202
        Passkey.objects.create(
            user=people.owner,
            name="Phone",
            credential_id=b"x",
            public_key=b"y",
            created_at=timezone.now(),
        )
        clock.shift(timedelta(days=30, minutes=1))
        assert closing.close_due(now=timezone.now()) == 1
        assert closing.close_due(now=timezone.now()) == 0
        row = User.objects.values().get(pk=people.owner.pk)
        assert people.owner.email not in str(row)
        assert (row["full_name"], row["is_active"], row["closes_at"]) == ("", False, None)
        assert not Passkey.objects.filter(user=people.owner).exists()
        assert not TokenFamily.objects.filter(user=people.owner, revoked_at=None).exists()
        assert not ApiKey.objects.filter(user=people.owner, revoked_at=None).exists()
        body = {"email": people.owner.email, "password": PASSWORD}
        assert APIClient().post("/api/v1/auth/token", body).status_code == 401
        # The spouse has the accounts as before, and the address is free for a new person.
        url = f"/api/v1/accounts/{account.public_id}"
        assert log_in(people.spouse).get(url).status_code == 200
        assert APIClient().post("/api/v1/auth/register", body).status_code == 201
        assert User.objects.filter(email=people.owner.email).count() == 1


def test_an_adviser_who_leaves_sees_no_client_any_more(people: Any, log_in: LogIn) -> None:
    with time_machine.travel("2026-01-05T12:00:00Z", tick=False) as clock:
        assert ask(log_in(people.adviser)).status_code == 202
        clock.shift(timedelta(days=31))
        assert closing.close_due(now=timezone.now()) == 1
    assert not AdviserLink.objects.exists()


def test_advisers_stay_until_the_last_member_has_left(people: Any) -> None:
    link = AdviserLink.objects.get(adviser=people.adviser, household=people.owner.household)
    users.deactivate(user=people.owner, now=timezone.now())
    assert AdviserLink.objects.filter(pk=link.pk).exists()
    User.objects.filter(pk=people.spouse.pk).update(closes_at=timezone.now())
    assert closing.close_due(now=timezone.now()) == 1
    assert not AdviserLink.objects.filter(pk=link.pk).exists()
    assert people.owner.household_id not in set(household_ids(people.adviser))


def test_who_moves_out_as_the_last_leaves_no_adviser_behind(people: Any) -> None:
    users.deactivate(user=people.spouse, now=timezone.now())
    users.move(user=people.owner, household=people.stranger.household)
    assert not AdviserLink.objects.filter(household=people.spouse.household).exists()


def test_asking_needs_a_recent_proof_and_no_operator_leaves_so(people: Any, log_in: LogIn) -> None:
    api = log_in(people.owner)
    TokenFamily.objects.update(proved_at=timezone.now() - timedelta(minutes=16))
    late = ask(api)
    assert (late.status_code, late.json()["code"]) == (403, "proof_required")
    operator = ask(log_in(people.operator))
    assert (operator.status_code, operator.json()["code"]) == (409, "operator_stays")
    assert not User.objects.filter(closes_at__isnull=False).exists()
