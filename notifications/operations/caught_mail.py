"""The demo's mail backend: keeps mails for the page /mailbox instead of sending them."""

from collections.abc import Sequence
from typing import Any

from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction

from notifications.models import CaughtMail

KEPT = 500


class Backend(BaseEmailBackend):
    """Writes each mail as a row, once, and keeps the newest."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            _keep(message)
        return len(email_messages)


def _keep(message: EmailMessage) -> None:
    html: Any = ""
    if isinstance(message, EmailMultiAlternatives):
        html = next((part for part, kind in message.alternatives if kind == "text/html"), "")
    with transaction.atomic():
        CaughtMail.objects.bulk_create(
            [
                CaughtMail(
                    to=", ".join(message.to)[:254],
                    subject=str(message.subject)[:250],
                    text=str(message.body),
                    html=str(html),
                    message_id=str(message.extra_headers.get("Message-ID", ""))[:120],
                )
            ],
            ignore_conflicts=True,
        )
        kept = CaughtMail.objects.order_by("-id").values_list("id", flat=True)
        oldest = next(iter(kept[KEPT - 1 : KEPT]), None)
        if oldest is not None:
            CaughtMail.objects.filter(id__lt=oldest).delete()
