"""Tickets for the stream."""

import json
import secrets

from django.conf import settings

from identity.models import User, household_ids
from stores import keys
from stores.redis import redis_client


def stream_ticket(*, user: User, family: str) -> str:
    """Return a token that opens one socket within STREAM_TICKET_LIFETIME.

    The ticket holds the user's rights at `access_epoch`. The ticket and its socket are void when
    the user's epoch rises or the log-in `family` ends.
    """
    token = secrets.token_urlsafe(32)
    payload = {
        "user_id": user.pk,
        "household_ids": list(household_ids(user)),
        "epoch": user.access_epoch,
        "family": family,
        "tier": "active" if user.active_trader else "standard",
    }
    redis_client().set(keys.ticket(token), json.dumps(payload), ex=settings.STREAM_TICKET_LIFETIME)
    return token
