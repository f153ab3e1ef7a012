"""Who a request is: no query while he is remembered, and nothing remembered too long."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.urls import path
from django.utils import timezone
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from identity import queries
from identity.models import AdviserLink, Role, User, household_ids
from identity.operations import households, users
from identity.token_signing import Access, TokenRefused
from stores.redis import redis_client

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def _access(user: User) -> Access:
    family = user.token_families.create(created_at=NOW, expires_at=NOW)
    return Access(user.pk, str(user.public_id), user.token_version, str(family.pk))


def test_a_remembered_user_costs_no_query(people: Any, django_assert_num_queries: Any) -> None:
    claims = _access(people.adviser)
    with django_assert_num_queries(3):  # the user, his links, the family
        first = queries.principal(claims=claims)
    with django_assert_num_queries(0):
        again = queries.principal(claims=claims)
        assert again == first == people.adviser
        assert isinstance(again, User)
        assert again.is_authenticated
        assert (again.role, again.is_active, again.is_staff) == (Role.ADVISER, True, False)
        assert isinstance(again.public_id, UUID)
        assert household_ids(again) == household_ids(first)
    assert household_ids(again) == [people.adviser.household_id, people.owner.household_id]
    with django_assert_num_queries(1):
        assert again.email == people.adviser.email


def test_what_is_remembered_is_never_a_secret(people: Any) -> None:
    people.owner.set_password("correct horse battery")
    people.owner.save()
    queries.principal(claims=_access(people.owner))
    stored = redis_client().get(f"principal:{people.owner.pk}")
    assert stored is not None
    assert b"argon2" not in stored
    assert b"@" not in stored
    assert 0 < redis_client().ttl(f"principal:{people.owner.pk}") <= queries.PRINCIPAL_TTL_S


def test_without_redis_the_database_answers(people: Any, settings: Any) -> None:
    claims = _access(people.owner)
    queries.principal(claims=claims)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert queries.principal(claims=claims) == people.owner
    User.objects.filter(pk=people.owner.pk).update(is_active=False)
    with pytest.raises(TokenRefused):
        queries.principal(claims=claims)


def test_without_redis_a_log_out_still_counts(people: Any, settings: Any) -> None:
    claims = _access(people.owner)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    people.owner.token_families.update(revoked_at=NOW)
    with pytest.raises(TokenRefused) as refusal:
        queries.principal(claims=claims)
    assert refusal.value.code == "token_revoked"


CHANGES: dict[str, Callable[[Any], object]] = {
    "closed": lambda people: users.deactivate(user=people.adviser, now=NOW),
    "logged out everywhere": lambda people: users.end_everything(
        user_id=people.adviser.pk, now=NOW
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_remembered_user_is_refused_as_soon_as_the_change_is_committed(
    people: Any, django_capture_on_commit_callbacks: Any, change: Callable[[Any], object]
) -> None:
    claims = _access(people.adviser)
    queries.principal(claims=claims)
    with django_capture_on_commit_callbacks(execute=True):
        change(people)
    with pytest.raises(TokenRefused):
        queries.principal(claims=claims)


def test_an_adviser_sees_a_household_as_long_as_he_is_let(
    people: Any, django_capture_on_commit_callbacks: Any
) -> None:
    claims = _access(people.adviser)
    home, office = people.owner.household_id, people.adviser.household_id
    assert household_ids(queries.principal(claims=claims)) == [office, home]
    with django_capture_on_commit_callbacks(execute=True):
        households.withdraw_adviser(
            user=people.spouse, adviser_id=people.adviser.public_id, now=timezone.now()
        )
    assert household_ids(queries.principal(claims=claims)) == [office]
    with django_capture_on_commit_callbacks(execute=True):
        households.grant_adviser(user=people.owner, email=people.adviser.email, now=timezone.now())
    assert household_ids(queries.principal(claims=claims)) == [office, home]
    with django_capture_on_commit_callbacks(execute=True):
        users.change_role(user=people.adviser, role=Role.INVESTOR)
    assert household_ids(queries.principal(claims=claims)) == [office]


def test_a_slow_reader_cannot_bring_back_what_was_withdrawn(
    people: Any, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = _access(people.adviser)
    real = queries._remember

    def late(*args: Any, **options: Any) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            households.withdraw_adviser(
                user=people.owner, adviser_id=people.adviser.public_id, now=timezone.now()
            )
        real(*args, **options)

    monkeypatch.setattr(queries, "_remember", late)
    queries.principal(claims=claims)
    monkeypatch.setattr(queries, "_remember", real)
    assert redis_client().get(f"principal:{people.adviser.pk}") is not None
    assert household_ids(queries.principal(claims=claims)) == [people.adviser.household_id]


def test_a_deleted_user_is_refused_everywhere_though_remembered(
    people: Any, client_of: Callable[[User], APIClient], django_capture_on_commit_callbacks: Any
) -> None:
    api = client_of(people.stranger)
    assert api.get("/api/v1/users/me").status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        people.stranger.delete()
    for path_ in ("users/me", "accounts", "notifications"):
        answer = api.get(f"/api/v1/{path_}")
        assert (answer.status_code, answer.json()["code"]) == (401, "account_closed"), path_


def test_a_user_whose_row_was_taken_in_sql_has_no_profile(
    people: Any, client_of: Callable[[User], APIClient]
) -> None:
    api = client_of(people.stranger)
    assert api.get("/api/v1/users/me").status_code == 200
    people.stranger.token_families.all().delete()
    User.objects.filter(pk=people.stranger.pk)._raw_delete("default")
    answer = api.get("/api/v1/users/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "account_closed")


EPOCHS: dict[str, tuple[Callable[[Any], object], int]] = {
    "role": (lambda people: User.objects.filter(pk=people.adviser.pk).update(role="investor"), 1),
    "household": (
        lambda people: User.objects.filter(pk=people.adviser.pk).update(
            household=people.stranger.household
        ),
        1,
    ),
    "link made": (
        lambda people: AdviserLink.objects.create(
            adviser=people.adviser, household=people.stranger.household
        ),
        1,
    ),
    "link ended": (lambda people: AdviserLink.objects.all()._raw_delete("default"), 1),
    "log-in": (lambda people: User.objects.filter(pk=people.adviser.pk).update(last_login=NOW), 0),
    "name": (lambda people: User.objects.filter(pk=people.adviser.pk).update(full_name="A"), 0),
    "an older copy saved": (lambda people: _save_old_copy(people.adviser), 1),
}


def _save_old_copy(user: User) -> None:
    old = User.objects.get(pk=user.pk)
    User.objects.filter(pk=user.pk).update(active_trader=True)
    old.active_trader = True
    old.save()


@pytest.mark.parametrize(("change", "raised"), EPOCHS.values(), ids=EPOCHS.keys())
def test_the_database_raises_the_epoch_when_rights_change_and_never_lowers_it(
    people: Any, change: Callable[[Any], object], raised: int
) -> None:
    before = User.objects.get(pk=people.adviser.pk).access_epoch
    change(people)
    assert User.objects.get(pk=people.adviser.pk).access_epoch == before + raised


def test_a_token_of_another_person_with_the_same_number_is_refused(people: Any) -> None:
    claims = _access(people.owner)
    other = Access(people.stranger.pk, claims.public_id, claims.version, claims.family_id)
    for _ in range(2):
        with pytest.raises(TokenRefused):
            queries.principal(claims=other)


def test_the_door_opens_to_the_own_household_only(people: Any) -> None:
    home, elsewhere = people.owner.household_id, people.stranger.household_id
    assert list(household_ids(people.owner)) == list(household_ids(people.spouse)) == [home]
    assert set(household_ids(people.adviser)) == {people.adviser.household_id, home}
    assert list(household_ids(people.operator)) == [people.operator.household_id]
    assert list(household_ids(people.stranger)) == [elsewhere]
    AdviserLink.objects.create(adviser=people.stranger, household_id=home)
    assert list(household_ids(people.stranger)) == [elsewhere]  # a link without the role is nothing


class WhoView(APIView):
    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        return Response({"id": request.user.pk, "role": getattr(request.user, "role", None)})


urlpatterns = [path("api/v1/who", WhoView.as_view())]


@pytest.mark.urls(__name__)
def test_an_api_request_touches_neither_database_nor_session(
    people: Any, client_of: Callable[[User], APIClient], django_assert_num_queries: Any
) -> None:
    api = client_of(people.owner)
    api.cookies["ballast_session"] = "a-session-that-would-be-looked-up"
    api.get("/api/v1/who")
    with django_assert_num_queries(0):
        answer = api.get("/api/v1/who")
    assert answer.json() == {"id": people.owner.pk, "role": "investor"}
    assert "Set-Cookie" not in answer.headers


@pytest.mark.django_db(transaction=True)
def test_a_revocation_between_two_requests_of_many_threads_lets_none_through(people: Any) -> None:
    claims = _access(people.owner)
    queries.principal(claims=claims)
    users.end_everything(user_id=people.owner.pk, now=NOW)
    passed: list[int] = []

    def ask() -> None:
        try:
            queries.principal(claims=claims)
            passed.append(1)
        except TokenRefused:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert passed == []
