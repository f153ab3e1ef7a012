"""Send due mails through Django's mail backend, one connection for a batch.

A mail that the server refuses for good is a dead letter at once. A server that is out of reach ends
the batch after one try: the others are given back untried. A mail is marked right after the server
took it; if the worker dies between the two, the mail is sent once more with the same Message-ID.
"""

import logging
import random
import smtplib
from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.dateparse import parse_datetime

from notifications import security_words
from notifications.mails import Line, Mail, html_of, text_of
from notifications.models import Channel
from notifications.operations import claims
from notifications.operations.claims import Claimed
from notifications.operations.links import (
    absolute,
    mail_domain,
    page_of,
    secret_link,
    unsubscribe_path,
)
from notifications.operations.still_wanted import still_wanted
from notifications.topics import TOPICS, event_of

logger = logging.getLogger(__name__)

BATCH = 20
_PERMANENT = 500
_OK = 250


class ServerDown(Exception):
    """The mail server is out of reach or takes nothing now."""


def deliver_mails(*, urgent: bool, now: datetime, limit: int = BATCH) -> int:
    """Send due mails. Return how many were claimed, or 0 if the server is down."""
    claimed = claims.claim(channel=Channel.EMAIL, urgent=urgent, limit=limit)
    wanted = still_wanted(claimed, channel=Channel.EMAIL)
    return send_all([[one] for one in wanted], now=now) if wanted else len(claimed)


def send_all(parcels: Sequence[Sequence[Claimed]], *, now: datetime) -> int:
    """Send one mail for each parcel of deliveries; return how many, or 0 if the server is down."""
    if not parcels:
        return 0
    if not settings.MAIL_ENABLED:
        for parcel in parcels:
            claims.mark_dropped(claimed=parcel, reason="no mail server is set (EMAIL_HOST)")
        return len(parcels)
    started = monotonic()
    connection: Any = get_connection()
    left = list(parcels)
    try:
        while left and monotonic() - started < settings.DELIVERY_LEASE_S / 2:
            if not _sent(left.pop(0), connection, now):
                return 0
    finally:
        claims.release(claimed=[one for parcel in left for one in parcel])
        _close(connection)
    return len(parcels)


def _sent(parcel: Sequence[Claimed], connection: BaseEmailBackend, now: datetime) -> bool:
    """Send one mail and write down what became of it; False if the server is down."""
    first = parcel[0]
    try:
        message = message_of(parcel, now=now)
        if message is None:
            claims.mark_dropped(claimed=parcel, reason="no longer wanted")
            return True
        message.connection = connection
        _hand_over(message)
    except SoftTimeLimitExceeded:
        raise
    except ServerDown as fault:
        logger.warning("mail server is down: %s", fault)
        _put_off(parcel, str(fault))
        return False
    except smtplib.SMTPResponseException as refusal:
        reason = f"{refusal.smtp_code} {_decoded(refusal.smtp_error)}"
        _refused(parcel, refusal.smtp_code, reason)
    except smtplib.SMTPRecipientsRefused as refusal:
        code, text = next(iter(refusal.recipients.values()))
        _refused(parcel, code, f"{code} {_decoded(text)}")
    except Exception as fault:
        # A mail that cannot be built holds up itself only.
        logger.warning("mail %s cannot be sent: %s", first.public_id, fault, exc_info=fault)
        _put_off(parcel, f"{type(fault).__name__}: {fault}")
    else:
        claims.mark_sent(claimed=parcel)
    return True


def _hand_over(message: EmailMultiAlternatives) -> None:
    """Give one mail to the server. Raise ServerDown if it is not this mail that is refused."""
    try:
        _open(message.connection)
        message.send()
    except (smtplib.SMTPSenderRefused, smtplib.SMTPAuthenticationError) as fault:
        raise ServerDown(f"{type(fault).__name__}: {fault}") from fault
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError):
        raise
    except (smtplib.SMTPException, OSError) as fault:
        raise ServerDown(f"{type(fault).__name__}: {fault}") from fault


def _open(connection: Any) -> None:
    """Open the connection of a batch; again if the server has ended it between two mails.

    Django closes a connection after each message for which it had to open one.
    """
    session = getattr(connection, "connection", None)
    if isinstance(session, smtplib.SMTP) and not _answers(session):
        _close(connection)
    connection.open()


def _answers(session: smtplib.SMTP) -> bool:
    try:
        return session.noop()[0] == _OK
    except (smtplib.SMTPException, OSError):
        return False


def _refused(parcel: Sequence[Claimed], code: int, reason: str) -> None:
    if code >= _PERMANENT:
        claims.mark_dead(claimed=parcel, reason=reason, response_status=code)
    else:
        _put_off(parcel, reason, code)


def _put_off(parcel: Sequence[Claimed], error: str, code: int | None = None) -> None:
    """Try a mail again later. The lines of a digest wait equally long, so they stay one mail."""
    share = random.random()
    for one in parcel:
        claims.mark_failed(claimed=one, error=error, response_status=code, share=share)


def _close(connection: Any) -> None:
    try:
        connection.close()
    except (smtplib.SMTPException, OSError) as fault:
        logger.info("the connection to the mail server ended early: %s", fault)


def _decoded(text: object) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def message_of(parcel: Sequence[Claimed], *, now: datetime) -> EmailMultiAlternatives | None:
    """Return the mail of one delivery, or of a digest; None if it is no longer wanted."""
    first = parcel[0]
    topic = TOPICS[event_of(first.topic).topic or ""]
    mail: Mail | None
    if first.channel == Channel.DIGEST:
        mail = _digest(parcel)
    elif first.topic == "security":
        mail = _security_mail(first, now)
    else:
        mail = Mail(
            subject=first.title,
            lines=(Line(topic.description),),
            button="Open in Ballast",
            button_url=absolute(page_of(first.payload)),
            reason=f"You get this mail because of your choice for “{topic.title}”.",
            settings_url=absolute("/notices/preferences"),
        )
    if mail is None:
        return None
    headers = {
        "Message-ID": f"<{first.public_id}@{mail_domain()}>",
        "Auto-Submitted": "auto-generated",
    }
    if "email" not in topic.required and first.user_id is not None:
        name = "digest" if first.channel == Channel.DIGEST else topic.name
        url = absolute(unsubscribe_path(user_id=first.user_id, topic=name))
        headers["List-Unsubscribe"] = f"<{url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message = EmailMultiAlternatives(
        # A name may have several lines; a header may not.
        subject=" ".join(mail.subject.split()),
        body=text_of(mail),
        from_email=settings.MAIL_FROM,
        to=[first.address],
        headers=headers,
    )
    message.attach_alternative(html_of(mail), "text/html")
    return message


def _security_mail(delivery: Claimed, now: datetime) -> Mail | None:
    """Return a mail about someone's access; its link is made now and stored nowhere."""
    expires = parse_datetime(str(delivery.payload.get("expires_at") or ""))
    if expires is not None and expires <= now:
        return None
    words = security_words.words(delivery.payload)
    path = secret_link(delivery.payload, now=now)
    if path is None:
        return None
    return Mail(
        subject=words.subject,
        lines=(Line(words.body),),
        button=words.button or "Open the settings",
        button_url=absolute(path),
        reason="Mails about the security of a log-in are always sent.",
    )


def _digest(parcel: Sequence[Claimed]) -> Mail:
    count = len(parcel)
    return Mail(
        subject=f"{count} {'message' if count == 1 else 'messages'} from your accounts",
        lines=tuple(Line(one.title, absolute(page_of(one.payload))) for one in parcel),
        button="All notices",
        button_url=absolute("/notices"),
        reason="You get this summary because you chose it.",
        settings_url=absolute("/notices/preferences"),
    )
