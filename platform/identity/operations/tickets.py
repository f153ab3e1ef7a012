"""Tickets for the stream."""

import json
import secrets

from django.conf import settings

from identity.models import User, household_ids
from stores.redis import redis_client


def stream_ticket(*, user: User, family: str) -> str:
    """A token that opens one socket within thirty seconds; it closes when the family ends."""
    token = secrets.token_urlsafe(32)
    payload = {
        "user_id": user.pk,
        "household_ids": list(household_ids(user)),
        "token_version": user.token_version,
        "family": family,
        "tier": "active" if user.active_trader else "standard",
    }
    redis_client().set(f"ticket:{token}", json.dumps(payload), ex=settings.STREAM_TICKET_LIFETIME)
    return token
