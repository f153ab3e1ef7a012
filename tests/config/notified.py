"""Notices, webhooks and price alerts of a furnished household."""

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


def hooks_and_alerts(user: Any, count: int) -> tuple[Any, Any]:
    from marketdata.models import Asset
    from notifications.models import Delivery, PriceAlert, Webhook

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
    return hooks[0], alerts[0]
