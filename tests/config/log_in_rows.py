"""Log-ins and keys of a furnished household."""

from datetime import timedelta
from typing import Any

from django.utils import timezone


def api_keys(user: Any, count: int) -> Any:
    """Make `count` keys of a user; return the first."""
    from identity.models import ApiKey

    now = timezone.now()
    return ApiKey.objects.bulk_create(
        ApiKey(
            user=user,
            name=f"Secret {number}",
            prefix="ballast_000000",
            key_hash=f"{user.pk}-{number}",
            scopes=["read"],
            created_at=now,
        )
        for number in range(count)
    )[0]


def log_ins(user: Any, count: int) -> Any:
    """Make `count` log-ins of a user; return the first."""
    from identity.models import TokenFamily

    now = timezone.now()
    return TokenFamily.objects.bulk_create(
        TokenFamily(
            user=user,
            created_at=now,
            last_used_at=now,
            expires_at=now + timedelta(days=30),
            device=f"Secret {number}",
        )
        for number in range(count)
    )[0]


def passkeys(user: Any, count: int) -> Any:
    """Make `count` passkeys of a user; return the first."""
    from identity.models import Passkey

    return Passkey.objects.bulk_create(
        Passkey(
            user=user,
            name=f"Secret {number}",
            credential_id=f"{user.pk}-{number}".encode(),
            public_key=b"",
            created_at=timezone.now(),
        )
        for number in range(count)
    )[0]


def events(user: Any, count: int) -> None:
    """Write `count` entries into the trail of a user's household."""
    from identity.models import SecurityEvent

    now = timezone.now()
    SecurityEvent.objects.bulk_create(
        SecurityEvent(
            household_id=user.household_id, user=user, actor=user, kind="log_in", created_at=now
        )
        for _ in range(count)
    )
