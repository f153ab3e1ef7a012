"""The notice centre: filters, preferences, price alerts and webhooks as pages."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from notifications.models import Delivery, Notice, Preference, PriceAlert, Webhook
from notifications.operations import create_webhook, shown_secret
from notifications.queries import preference_of, wishes_of
from notifications.topics import CHOSEN_CHANNELS, TOPICS

pytestmark = pytest.mark.django_db

WHEN = {"time_zone": "UTC", "digest": "none", "quiet_from": "", "quiet_until": ""}


def client_for(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend="identity.authentication.PasswordBackend")
    return client


@pytest.fixture
def hook(people: Any) -> Webhook:
    return create_webhook(
        user=people.owner, url="https://hooks.example/a", topics=["drift"], now=timezone.now()
    )


def test_notices_are_filtered_by_topic_and_by_unread(people: Any) -> None:
    now = timezone.now()
    for name, title, read in (
        ("drift", "Main drifted", None),
        ("rebalance_failed", "Failed now", None),
        ("import_failed", "Failed before", now),
    ):
        Notice.objects.create(
            user=people.owner,
            topic=name,
            title=title,
            dedup_key=title,
            created_at=now,
            read_at=read,
        )
    client = client_for(people.owner)

    def shown(query: str) -> set[str]:
        page = client.get(f"/notices?{query}").content.decode()
        return {title for title in ("Main drifted", "Failed now", "Failed before") if title in page}

    assert shown("") == {"Main drifted", "Failed now", "Failed before"}
    assert shown("topic=job_failed") == {"Failed now", "Failed before"}
    assert shown("topic=job_failed&unread=1") == {"Failed now"}
    assert shown("topic=clean_day") == set()


def test_saved_preferences_are_those_of_the_switches(people: Any) -> None:
    client = client_for(people.owner)
    switches = {
        f"{topic.name}.{channel}": "on"
        for topic in TOPICS.values()
        for channel in CHOSEN_CHANNELS
        if channel in topic.channels and topic.name != "drift"
    }
    form = {**switches, **WHEN, "time_zone": "Europe/Berlin", "digest": "weekly"}
    assert client.post("/notices/preferences", form).status_code == 302
    wishes = wishes_of(preference_of(user=people.owner))
    assert wishes.choices == {"drift": {"in_app": False, "email": False, "push": False}}
    assert (wishes.time_zone, wishes.digest) == ("Europe/Berlin", "weekly")


@pytest.mark.parametrize(
    "changes", [{"time_zone": "Mars/Olympus"}, {"quiet_from": "22:00"}, {"digest": "hourly"}]
)
def test_refused_preferences_are_shown_and_not_saved(people: Any, changes: Any) -> None:
    answer = client_for(people.owner).post("/notices/preferences", {**WHEN, **changes})
    assert answer.status_code == 400
    assert b"error-text" in answer.content
    assert not Preference.objects.exists()


def test_an_alert_is_set_and_deleted_by_its_owner_alone(people: Any, assets: Any) -> None:
    client = client_for(people.owner)
    form = {"symbol": "aaa", "kind": "above", "value": "60"}
    assert client.post("/notices/alerts", form).status_code == 302
    assert b"a rise to 60 USD" in client.get("/notices/alerts").content
    alert = PriceAlert.objects.get()
    path = f"/notices/alerts/{alert.public_id}/delete"
    assert client_for(people.spouse).post(path).status_code == 404
    assert PriceAlert.objects.exists()
    assert client.post(path).status_code == 302
    assert not PriceAlert.objects.exists()
    refused = client.post("/notices/alerts", {**form, "symbol": "NOPE"})
    assert refused.status_code in (400, 404)
    assert not PriceAlert.objects.exists()


def test_a_webhook_is_added_tested_and_shows_its_secret_when_asked(people: Any) -> None:
    client = client_for(people.owner)
    form = {"url": "https://hooks.example/b", "topics": ["drift", "price_alert"]}
    page = client.post("/notices/webhooks", form)["Location"]
    hook = Webhook.objects.get()
    secret = shown_secret(hook, now=timezone.now()).encode()
    assert secret not in client.get(page).content
    assert secret in client.post(page, {"do": "show"}).content
    assert client.post(page, {"do": "test"}).status_code == 302
    assert Delivery.objects.get().topic == "test"
    assert secret not in client.post(page, {"do": "rotate"}).content
    assert client.post(page, {"do": "off"}).status_code == 302
    assert client.post(page, {"do": "test"}).status_code == 409
    assert client.post(page, {"do": "delete"}).status_code == 302
    assert not Webhook.objects.exists()


def test_a_refused_webhook_is_not_added(people: Any) -> None:
    client = client_for(people.owner)
    for form in (
        {"url": "http://hooks.example/b", "topics": ["drift"]},
        {"url": "https://hooks.example/b", "topics": []},
        {"url": "https://hooks.example/b", "topics": ["weather"]},
    ):
        assert client.post("/notices/webhooks", form).status_code == 400
    assert not Webhook.objects.exists()


@pytest.mark.parametrize("do", ["test", "show", "rotate", "off", "delete"])
def test_a_stranger_finds_no_webhook(people: Any, hook: Webhook, do: str) -> None:
    client = client_for(people.stranger)
    page = f"/notices/webhooks/{hook.public_id}"
    assert client.get(page).status_code == 404
    assert client.post(page, {"do": do}).status_code == 404
    hook.refresh_from_db()
    assert (hook.enabled, hook.secret_version) == (True, 1)
    assert not Delivery.objects.exists()


def test_nobody_logged_out_sees_these_pages(db: None) -> None:
    for path in (
        *("/notices", "/notices/preferences", "/notices/alerts", "/notices/webhooks"),
        f"/notices/webhooks/{uuid4()}",
    ):
        answer = Client().get(path)
        assert (answer.status_code, answer["Location"]) == (302, f"/login?next={path}")
