"""The audit trail: written by the database, so nothing gets round it."""

from collections.abc import Callable
from typing import Any

import pghistory.models
import pytest
from django.apps import apps
from django.db import connection, transaction
from rest_framework.test import APIClient

from identity.models import AdviserLink, Household, User

pytestmark = pytest.mark.django_db

UserEvent = apps.get_model("identity", "UserEvent")


def _labels(user: User) -> list[str]:
    events = UserEvent.objects.filter(pgh_obj_id=user.pk).order_by("pgh_id")
    return list(events.values_list("pgh_label", flat=True))


def test_an_update_of_many_rows_is_seen_row_by_row(people: Any) -> None:
    before = UserEvent.objects.count()
    User.objects.filter(household=people.owner.household).update(role="adviser")
    events = UserEvent.objects.order_by("pgh_id")[before:]
    assert {event.pgh_obj_id for event in events} == {people.owner.pk, people.spouse.pk}
    assert {event.role for event in events} == {"adviser"}


def test_an_update_in_plain_sql_is_seen(people: Any) -> None:
    before = _labels(people.owner)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE identity_user SET is_staff = true WHERE id = %s", [people.owner.pk])
    assert len(_labels(people.owner)) == len(before) + 1


def test_deletions_are_seen(people: Any) -> None:
    event = apps.get_model("identity", "AdviserLinkEvent")
    before = event.objects.count()
    AdviserLink.objects.all().delete()
    assert event.objects.count() == before + 1


def test_no_password_is_ever_in_the_trail(people: Any) -> None:
    people.owner.set_password("correct horse battery")
    people.owner.save()
    assert "password" not in {field.name for field in UserEvent._meta.get_fields()}


def test_a_log_in_alone_is_no_event(people: Any) -> None:
    before = _labels(people.owner)
    User.objects.filter(pk=people.owner.pk).update(last_login=people.owner.created_at)
    assert _labels(people.owner) == before


def _context_of(user: User) -> dict[str, Any]:
    event = UserEvent.objects.filter(pgh_obj_id=user.pk).latest("pgh_id")
    assert event.pgh_context is not None
    found: dict[str, Any] = event.pgh_context.metadata
    return found


def test_a_change_over_the_api_names_who_did_it_and_by_which_request(
    people: Any, client_of: Callable[[User], APIClient]
) -> None:
    api = client_of(people.owner)
    answer = api.patch("/api/v1/users/me", {"full_name": "Owner"}, HTTP_X_REQUEST_ID="request-0001")
    assert answer.status_code == 200
    assert _context_of(people.owner) == {
        "user": people.owner.pk,
        "url": "/api/v1/users/me",
        "request_id": "request-0001",
    }


def test_a_change_in_the_admin_names_the_operator(people: Any, client: Any) -> None:
    client.force_login(people.operator, backend="identity.authentication.PasswordBackend")
    home = people.owner.household
    answer = client.post(f"/admin/identity/household/{home.pk}/change/", {"name": "New name"})
    assert answer.status_code == 302, answer.content[:500]
    home.refresh_from_db()
    assert home.name == "New name"
    event = apps.get_model("identity", "HouseholdEvent").objects.latest("pgh_id")
    assert event.pgh_context.metadata["user"] == people.operator.pk


def test_a_rolled_back_change_leaves_no_event(people: Any) -> None:
    before = _labels(people.owner)
    with transaction.atomic():
        User.objects.filter(pk=people.owner.pk).update(full_name="x")
        assert _labels(people.owner) != before
        transaction.set_rollback(True)
    assert _labels(people.owner) == before


def test_every_model_of_identity_is_tracked() -> None:
    tracked = {
        model._meta.label
        for model in apps.get_app_config("identity").get_models()
        if not issubclass(model, pghistory.models.Event) and hasattr(model, "pgh_event_models")
    }
    assert Household._meta.label in tracked
    assert tracked == {
        f"identity.{name}"
        for name in ("User", "Household", "AdviserLink", "Invitation", "TokenFamily")
    }
