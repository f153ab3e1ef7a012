"""Reading price alerts."""

from uuid import UUID

from django.db.models import QuerySet

from core.errors import NotFound
from identity.models import User
from notifications.models import PriceAlert


def price_alerts(*, user: User) -> "QuerySet[PriceAlert]":
    """Return the user's alerts, newest first."""
    rows = PriceAlert.objects.for_user(user).select_related("asset")
    return rows.order_by("-created_at", "-id")


def price_alert(*, user: User, public_id: UUID) -> PriceAlert:
    """Return one alert of this user."""
    found = PriceAlert.objects.for_user(user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("No such price alert.", code="price_alert_not_found")
    return found
