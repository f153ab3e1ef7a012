"""Notices, webhooks and price alerts of a furnished household."""

from datetime import timedelta
from typing import Any

from django.utils import timezone


def notices(user: Any, count: int) -> Any:
    from notifications.models import Notice

    now = timezone.now()
    return Notice.objects.bulk_create(
        [
            Notice(
                user=user,
                topic="rebalance_complete",
                title=f"Word for {user.email}",
                dedup_key=str(number),
                created_at=now,
            )
            for number in range(count)
        ]
    )[0]


def hooks_and_alerts(user: Any, count: int) -> tuple[Any, Any, Any]:
    from marketdata.models import Asset
    from notifications.models import Delivery, PriceAlert, PushSubscription, Webhook

    now = timezone.now()
    hooks = Webhook.objects.bulk_create(
        [
            Webhook(
                user=user,
                url=f"https://secret.example/{number}",
                topics=["drift"],
                created_at=now,
            )
            for number in range(count)
        ]
    )
    Delivery.objects.bulk_create(
        [
            Delivery(
                user=user,
                channel="webhook",
                address=str(hooks[0].public_id),
                topic="drift",
                title=f"Secret {number}",
                state="sent",
                created_at=now,
                next_at=now,
            )
            for number in range(count)
        ]
    )
    asset, _ = Asset.objects.get_or_create(
        symbol="WATCHED", defaults={"name": "W", "asset_class": "equity", "currency": "USD"}
    )
    alerts = PriceAlert.objects.bulk_create(
        [
            PriceAlert(user=user, asset=asset, kind="above", value=100 + number, created_at=now)
            for number in range(count)
        ]
    )
    browsers = PushSubscription.objects.bulk_create(
        [
            PushSubscription(
                user=user,
                endpoint=f"https://push.example/Secret-{user.pk}-{number}",
                public_key="k",
                secret="s",
                created_at=now,
            )
            for number in range(count)
        ]
    )
    return hooks[0], alerts[0], browsers[0]


LARGE = {
    f"notifications_{name}"
    for name in ("delivery", "notice", "pricealert", "pushsubscription", "webhook")
}
# Webhooks, browsers, alerts and deliveries of everybody, for the plans of their queries.
FILL = """
INSERT INTO notifications_webhook (public_id, user_id, url, topics, enabled, disabled_reason,
    secret_version, created_at)
SELECT gen_random_uuid(), id, 'https://hooks.example', '{drift}', true, '', 1, now()
  FROM identity_user;
INSERT INTO notifications_pushsubscription (public_id, user_id, endpoint, public_key, secret,
    created_at)
SELECT gen_random_uuid(), id, 'https://push.example/' || id, 'k', 's', now() FROM identity_user;
INSERT INTO notifications_delivery (public_id, user_id, channel, address, topic, title, payload,
    urgent, state, attempts, claims, created_at, next_at, error)
SELECT gen_random_uuid(), hook.user_id, 'webhook', hook.public_id::text, 'drift', 't', '{}', false,
       CASE WHEN n = 1 AND hook.id % 50 = 0 THEN 'waiting' ELSE 'sent' END, 1, 1,
       now() - n * interval '1 hour', now() - n * interval '1 hour', ''
  FROM notifications_webhook hook, generate_series(1, 8) n;
INSERT INTO notifications_pricealert (public_id, user_id, asset_id, kind, value, armed, fired,
    created_at)
SELECT gen_random_uuid(), person.id, asset.id, 'above', 1000, true, 0, now()
  FROM identity_user person
  JOIN marketdata_asset asset ON asset.symbol = 'F' || to_char(person.id % 20000 + 1, 'FM00000');
"""


def deliver_some(plans: Any, user: Any) -> None:
    """Fan out, claim deliveries and put a receiver off, under the eyes of `plans`."""
    from notifications.operations import relay
    from notifications.operations.claims import claim, put_off

    with plans.of("relay"):
        assert relay(now=timezone.now(), batch=3, batches=1)[0] == 3
    with plans.of("claim deliveries"):
        assert claim(channel="webhook", urgent=False, limit=3)
    with plans.of("put a receiver off"):
        put_off(channel="webhook", address=str(user.webhooks.get().public_id), wait_s=5)


def own_data_archive(user: Any) -> None:
    """A collected archive of the user's data."""
    from notifications.models import OwnDataArchive, OwnDataPart

    now = timezone.now()
    archive = OwnDataArchive.objects.create(
        user=user,
        of_household_id=user.household_id,
        bytes=2,
        created_at=now,
        expires_at=now + timedelta(days=7),
    )
    OwnDataPart.objects.create(archive=archive, number=0, data=b"PK")
