"""Reading the mails that the demo keeps."""

from collections.abc import Sequence

from notifications.models import CaughtMail

SHOWN = 50


def caught_mails() -> Sequence[CaughtMail]:
    """Return the newest mails, without their bodies."""
    return list(CaughtMail.objects.defer("text", "html").order_by("-id")[:SHOWN])


def caught_mail(mail_id: int) -> CaughtMail | None:
    """Return one mail."""
    return CaughtMail.objects.filter(pk=mail_id).first()
