"""The audit trail: written by the database, so nothing gets round it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pghistory.models
import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from rest_framework.test import APIClient

from identity.models import AdviserLink, Household, User

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]

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
        for name in (
            *("User", "Household", "AdviserLink", "AccountantLink", "Invitation"),
            *("TokenFamily", "ApiKey"),
        )
    }


def _trail() -> list[Any]:
    return [model for model in apps.get_models() if issubclass(model, pghistory.models.Event)]


def _refused(sql: str, **values: Any) -> bool:
    """Whether the database refuses a statement; the transaction goes on."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, values)
    except DatabaseError:
        return True
    return False


def test_the_trail_cannot_be_changed_or_deleted(people: Any) -> None:
    event = UserEvent.objects.order_by("pgh_id")[0]
    before = UserEvent.objects.count()
    for sql in (
        "UPDATE identity_userevent SET role = 'operator' WHERE pgh_id = %(id)s",
        "UPDATE identity_userevent SET pgh_created_at = now() WHERE pgh_id = %(id)s",
        "DELETE FROM identity_userevent WHERE pgh_id = %(id)s",
        "DELETE FROM identity_userevent",
    ):
        assert _refused(sql, id=event.pk), sql
    assert UserEvent.objects.count() == before
    assert UserEvent.objects.values().get(pk=event.pk) == UserEvent.objects.values().get(
        pk=event.pk, role=event.role, pgh_created_at=event.pgh_created_at
    )


def test_every_table_of_the_trail_is_protected() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.tgrelid::regclass::text, t.tgtype FROM pg_trigger t"
            " WHERE t.tgname LIKE 'pgtrigger_append_only_%' AND t.tgenabled = 'O'"
        )
        found = dict(cursor.fetchall())
    assert len(_trail()) >= 12
    before_each_row_update_delete = 1 | 2 | 8 | 16
    published = (
        *("portfolios_targetsetversion", "recommendations_strategyversion"),
        *("recommendations_strategyday", "recommendations_strategymoderation"),
    )
    assert {found.pop(table) for table in published} == {before_each_row_update_delete}
    assert found == {
        model._meta.db_table: before_each_row_update_delete
        for model in _trail()
        if not model._meta.abstract and model._meta.managed
    } | {"identity_securityevent": before_each_row_update_delete}


def test_who_acted_may_be_completed_and_never_changed(people: Any) -> None:
    with pghistory.context(user=None, url="/x"):
        people.owner.full_name = "First"
        people.owner.save()
        pghistory.context(user=people.owner.pk)  # as a view does once it knows the token
        people.owner.full_name = "Second"
        people.owner.save()
    context = UserEvent.objects.filter(pgh_obj_id=people.owner.pk).latest("pgh_id").pgh_context
    known = {"user": people.owner.pk, "url": "/x"}
    assert context.metadata == known
    for sql in (
        "UPDATE pghistory_context SET metadata = jsonb_set(metadata, '{user}', '1') "
        "WHERE id = %(id)s",
        "UPDATE pghistory_context SET metadata = metadata - 'user' WHERE id = %(id)s",
        "DELETE FROM pghistory_context WHERE id = %(id)s",
    ):
        assert _refused(sql, id=context.pk), sql
    context.refresh_from_db()
    assert context.metadata == known


def test_the_role_of_the_web_gets_no_right_to_change_the_trail() -> None:
    script = (ROOT / "platform/docker/roles.sh").read_text()
    granted = script[script.index("ALTER DEFAULT PRIVILEGES") : script.rindex("SQL")]
    with connection.cursor() as cursor:  # everything here is rolled back, roles too
        cursor.execute("CREATE ROLE ballast_web; CREATE ROLE ballast_owner")
        cursor.execute("GRANT CREATE, USAGE ON SCHEMA public TO ballast_owner")
        cursor.execute(re.sub(r"ROLE ballast\b", "ROLE ballast_owner", granted))
        cursor.execute("SET LOCAL ROLE ballast_owner")
        cursor.execute("CREATE TABLE some_thingevent (id int); CREATE TABLE some_thing (id int)")
        cursor.execute("RESET ROLE")
        rights = {}
        for table in ("some_thing", "some_thingevent"):
            cursor.execute(
                "SELECT right_ FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', "
                "'TRUNCATE']) right_ WHERE has_table_privilege('ballast_web', %s, right_)",
                [table],
            )
            rights[table] = {right for (right,) in cursor.fetchall()}
    assert rights == {
        "some_thing": {"SELECT", "INSERT", "UPDATE", "DELETE"},
        "some_thingevent": {"SELECT", "INSERT"},
    }
