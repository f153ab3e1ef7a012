"""Events, and receivers on loopback."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from jobs.operations import announce
from notifications import operations
from notifications.models import Delivery
from tests.notifications.servers import Hooks, Mails, hook_receiver, mail_server


@pytest.fixture
def mails(settings: Any) -> Iterator[Mails]:
    """A mail server that Ballast sends through."""
    with mail_server() as found:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", found.port
        settings.EMAIL_USE_TLS, settings.EMAIL_TIMEOUT = False, 2
        yield found


@pytest.fixture
def hooks(settings: Any) -> Iterator[Hooks]:
    """A receiver of webhooks that may be reached."""
    settings.WEBHOOK_PRIVATE_ADDRESSES, settings.WEBHOOK_TIMEOUT_S = True, 1
    with hook_receiver() as found:
        yield found


@pytest.fixture
def happen(people: Any) -> Callable[..., None]:
    """Announce something that failed, which goes out by mail, and fan it out."""
    numbers = iter(range(10_000))

    def happen(count: int = 1, **payload: Any) -> None:
        for _ in range(count):
            with transaction.atomic():
                announce(
                    topic="rebalance_failed",
                    household_id=people.stranger.household_id,
                    dedup_key=f"failed:{next(numbers)}",
                    payload={"account_name": "Main", **payload},
                    now=timezone.now(),
                )
        operations.relay(now=timezone.now())

    return happen


@pytest.fixture
def due() -> Callable[[], None]:
    """Let the time pass until every waiting delivery is due."""

    def due() -> None:
        Delivery.objects.filter(state="waiting").update(next_at=timezone.now())

    return due
