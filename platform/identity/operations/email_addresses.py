"""The proof of an e-mail address, and its change.

    verification   a link to the present address
    change         the password, then a link to the new address; the address changes when the link
                   is used, and the old address gets a mail

A request for an address that is another user's is answered as any other, and its link is refused
when it is used, so nobody learns here who is registered.
"""

from datetime import datetime

from django.db import IntegrityError, transaction

from core.errors import Conflict
from identity.mail_tokens import link_id
from identity.models import LinkPurpose, MailLink, User
from identity.operations.mail_links import close_links, open_link, used_link
from identity.operations.security_events import note
from identity.origins import NOWHERE, Origin
from stores.locks import locked


def begin_verification(*, user: User, now: datetime) -> None:
    """Send a link that proves the user's address, unless it is proved."""
    with transaction.atomic():
        fresh = locked(User.objects.all()).get(pk=user.pk)
        if fresh.email_verified_at is None:
            _send(fresh, LinkPurpose.VERIFY_EMAIL, fresh.email, now, NOWHERE)


def begin_change(*, user: User, email: str, now: datetime, origin: Origin) -> None:
    """Send a link to the new address; the caller has checked the password."""
    with transaction.atomic():
        fresh = locked(User.objects.all()).get(pk=user.pk)
        if email != fresh.email:
            _send(fresh, LinkPurpose.CHANGE_EMAIL, email, now, origin)


def pending_email(*, user: User, now: datetime) -> str | None:
    """Return the address that waits for its link to be used."""
    waiting = MailLink.objects.filter(
        user_id=user.pk, purpose=LinkPurpose.CHANGE_EMAIL, used_at=None, expires_at__gt=now
    )
    return waiting.values_list("email", flat=True).first()


def use_link(*, token: str, now: datetime, origin: Origin) -> User:
    """Use a link to an address: verify it, or make it the user's. Works once."""
    with transaction.atomic():
        if not _changes_address(token):
            link = used_link(token=token, purpose=LinkPurpose.VERIFY_EMAIL, now=now)
            User.objects.filter(pk=link.user_id).update(email_verified_at=now)
            note(
                kind="email_verified",
                user=link.user,
                household_id=link.user.household_id,
                now=now,
                origin=origin,
            )
        else:
            link = used_link(token=token, purpose=LinkPurpose.CHANGE_EMAIL, now=now)
            _change(link, now, origin)
    return User.objects.get(pk=link.user_id)


def _changes_address(token: str) -> bool:
    public_id = link_id(token)
    rows = MailLink.objects.filter(purpose=LinkPurpose.CHANGE_EMAIL)
    return public_id is not None and rows.filter(public_id=public_id).exists()


def _change(link: MailLink, now: datetime, origin: Origin) -> None:
    user, old = link.user, link.user.email
    try:
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(email=link.email, email_verified_at=now)
    except IntegrityError:
        raise Conflict(
            "This e-mail address cannot be used. Choose another.", code="email_unavailable"
        ) from None
    close_links(user=user, now=now)
    note(
        kind="email_changed",
        user=user,
        household_id=user.household_id,
        now=now,
        origin=origin,
        to=old,
        details={"old_email": old, "new_email": link.email},
    )


def _send(user: User, purpose: LinkPurpose, email: str, now: datetime, origin: Origin) -> None:
    link = open_link(user=user, purpose=purpose, email=email, now=now)
    note(
        kind="verify_email",
        user=user,
        household_id=user.household_id,
        now=now,
        origin=origin,
        to=email if purpose == LinkPurpose.CHANGE_EMAIL else None,
        details={"new_email": email} if purpose == LinkPurpose.CHANGE_EMAIL else None,
        expires_at=link.expires_at,
        words={"link_id": str(link.public_id)},
    )
