"""What a person is told, where, and when: the rules, and the calls over HTTP."""

from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from notifications import operations
from notifications.models import Delivery, Notice, Preference
from notifications.operations import Given
from notifications.preferences import Wishes, changed_choices, due_at, wants
from notifications.topics import TOPICS

DRIFT, SECURITY = TOPICS["drift"], TOPICS["security"]
QUIET = Wishes(
    time_zone="America/New_York", quiet_from=time(22), quiet_until=time(7), digest="none"
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        # New York is five hours behind in winter: 22:00 is 03:00.
        ("2026-01-10T02:59", "2026-01-10T02:59"),
        ("2026-01-10T03:00", "2026-01-10T12:00"),
        ("2026-01-10T11:59", "2026-01-10T12:00"),
        ("2026-01-10T12:00", "2026-01-10T12:00"),
        # Four in summer; the night of the change is an hour shorter.
        ("2026-07-10T02:00", "2026-07-10T11:00"),
        ("2026-03-08T03:30", "2026-03-08T11:00"),
    ],
)
def test_quiet_hours_end_in_the_person_s_own_time(now: str, due: str) -> None:
    assert due_at(wishes=QUIET, topic=DRIFT, digest=False, now=utc(now)) == utc(due)
    assert due_at(wishes=QUIET, topic=SECURITY, digest=False, now=utc(now)) == utc(now)


@pytest.mark.parametrize(
    ("digest", "now", "due"),
    [
        ("daily", "2026-03-02T06:59", "2026-03-02T07:00"),  # 8 in Berlin
        ("daily", "2026-03-02T07:00", "2026-03-03T07:00"),
        ("weekly", "2026-03-02T06:59", "2026-03-02T07:00"),  # a Monday
        ("weekly", "2026-03-02T07:00", "2026-03-09T07:00"),
        ("weekly", "2026-03-28T12:00", "2026-03-30T06:00"),  # after the change to summer time
    ],
)
def test_a_digest_is_due_at_eight(digest: str, now: str, due: str) -> None:
    wishes = Wishes(time_zone="Europe/Berlin", digest=digest)
    assert due_at(wishes=wishes, topic=DRIFT, digest=True, now=utc(now)) == utc(due)


def test_choices_equal_to_the_defaults_are_not_stored() -> None:
    given = {"drift": {"email": True, "push": False}, "security": {"email": False}}
    assert changed_choices(old={}, given=given) == {"drift": {"push": False}}
    back = changed_choices(old={"drift": {"push": False}}, given={"drift": {"push": True}})
    assert back == {}


def test_a_muted_account_says_nothing_but_security_does() -> None:
    account = UUID(int=7)
    wishes = Wishes(muted_accounts=frozenset({account}))
    assert not wants(wishes=wishes, topic=DRIFT, channel="email", account_id=account)
    assert wants(wishes=wishes, topic=DRIFT, channel="email", account_id=UUID(int=8))
    assert wants(wishes=wishes, topic=SECURITY, channel="email", account_id=account)


@pytest.mark.django_db
def test_the_fan_out_follows_the_preferences(people: Any, happen: Any) -> None:
    account = UUID(int=9)
    given = Given(choices={"job_failed": {"email": False}}, muted_accounts=[account])
    operations.set_preferences(user=people.stranger, given=given, now=timezone.now())
    happen()
    assert Notice.objects.count() == 1
    assert not Delivery.objects.filter(channel="email").exists()
    happen(account_id=str(account))
    assert Notice.objects.count() == 1


@pytest.mark.django_db
def test_preferences_over_http_change_only_what_is_given(people: Any, client_of: Any) -> None:
    client = client_of(people.owner)
    path = "/api/v1/notifications/preferences"
    assert client.get(path).json()["quiet_hours"] is None
    body: dict[str, Any] = {
        "topics": [{"topic": "drift", "channels": {"email": False}}],
        "time_zone": "Europe/Berlin",
        "quiet_hours": {"start": "22:00", "end": "07:00"},
    }
    assert client.put(path, body, format="json").status_code == 200
    told = client.put(path, {"digest": "weekly"}, format="json").json()
    assert told == client.get(path).json()
    assert told["quiet_hours"] == {"start": "22:00", "end": "07:00"}
    assert (told["time_zone"], told["digest"]) == ("Europe/Berlin", "weekly")
    (drift,) = [row for row in told["topics"] if row["topic"] == "drift"]
    assert drift["channels"] == {"in_app": True, "email": False, "push": True}
    assert client.put(path, {"quiet_hours": None}, format="json").json()["quiet_hours"] is None
    assert client_of(people.spouse).get(path).json()["digest"] == "none"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone_unknown"),
        ({"topics": [{"topic": "security", "channels": {"email": False}}]}, "channel_required"),
        ({"topics": [{"topic": "weather", "channels": {}}]}, "invalid_choice"),
        ({"quiet_hours": {"start": "25:00", "end": "07:00"}}, "invalid"),
        ({"colour": "blue"}, "unknown_field"),
    ],
)
def test_refused_preferences_change_nothing(
    people: Any, client_of: Any, body: Any, code: str
) -> None:
    client = client_of(people.owner)
    answer = client.put("/api/v1/notifications/preferences", body, format="json")
    told = answer.json()
    assert answer.status_code == 400
    assert code in {told["code"], *(error["code"] for error in told["errors"])}
    assert not Preference.objects.exists()
