"""Links sent by mail: to verify an address, to change it, to set a new password.

A link is a row; its token is computed when the mail is sent (`identity.mail_tokens`), so it stands
nowhere. The functions of `settings.MAIL_LINKS` at the end are called by the sender of mails.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from core.errors import InvalidInput
from identity.mail_tokens import is_token_of, link_id, link_key, link_token
from identity.models import LinkPurpose, MailLink, User
from stores.locks import locked

LIFETIMES = {
    LinkPurpose.VERIFY_EMAIL: timedelta(days=3),
    LinkPurpose.CHANGE_EMAIL: timedelta(days=1),
    LinkPurpose.PASSWORD_RESET: timedelta(hours=1),
}
# An open link with this much of its life left is sent again, so that repeated requests by a
# stranger do not void the link that is already in its owner's mailbox.
_KEPT = 0.25


def open_link(*, user: User, purpose: LinkPurpose, email: str, now: datetime) -> MailLink:
    """Return the open link of this purpose for this address, or a new one in its place.

    Call it in a transaction that holds the user's row.
    """
    lifetime = LIFETIMES[purpose]
    opened = MailLink.objects.filter(user_id=user.pk, purpose=purpose, used_at=None)
    kept = opened.filter(email=email, expires_at__gt=now + lifetime * _KEPT).first()
    if kept is not None:
        return kept
    opened.update(used_at=now)
    return MailLink.objects.create(
        user_id=user.pk,
        purpose=purpose,
        email=email,
        created_at=now,
        expires_at=now + lifetime,
    )


def used_link(*, token: str, purpose: LinkPurpose, now: datetime) -> MailLink:
    """Use a link: return its row, locked with its user; raise InvalidInput unless it is open.

    Call it in a transaction. Of two requests that race, the second finds the link used.
    """
    public_id = link_id(token)
    found = (
        MailLink.objects.filter(public_id=public_id, purpose=purpose).first() if public_id else None
    )
    if found is not None:
        locked(User.objects.all()).get(pk=found.user_id)
        rows = MailLink.objects.select_related("user").filter(pk=found.pk)
        found = rows.filter(used_at=None, expires_at__gt=now).first()
    if found is None or not _belongs(token, found) or not _may_use(found):
        raise InvalidInput(
            "The link has expired or was used before. Ask for a new one.",
            code="link_invalid",
            fields={"token": ["is not valid"]},
        )
    MailLink.objects.filter(pk=found.pk).update(used_at=now)
    return found


def is_open(*, token: str, purpose: LinkPurpose, now: datetime) -> bool:
    """Return whether the link could be used now; for pages that ask for the new password."""
    public_id = link_id(token)
    found = (
        MailLink.objects.filter(
            public_id=public_id, purpose=purpose, used_at=None, expires_at__gt=now
        ).first()
        if public_id
        else None
    )
    return found is not None and _belongs(token, found)


def close_links(*, user: User, now: datetime) -> None:
    """Close every open link of a user whose address has changed or is proved by a reset."""
    MailLink.objects.filter(user_id=user.pk, used_at=None).update(used_at=now)


def close_takeover_links(*, user: User, now: datetime) -> None:
    """Close the open links that would set another password or another address."""
    purposes = (LinkPurpose.CHANGE_EMAIL, LinkPurpose.PASSWORD_RESET)
    MailLink.objects.filter(user_id=user.pk, purpose__in=purposes, used_at=None).update(used_at=now)


def forget_old_links(*, now: datetime) -> int:
    """Delete the links that expired a month ago; return how many."""
    return MailLink.objects.filter(expires_at__lt=now - timedelta(days=30)).delete()[0]


def _may_use(link: MailLink) -> bool:
    """Return whether the user may log in and still has the address, unless it is to be theirs.

    An operator may have given the user another address since the mail.
    """
    kept = link.purpose == LinkPurpose.CHANGE_EMAIL or link.email == link.user.email
    return kept and link.user.may_log_in


def token_of(link: MailLink) -> str:
    """Return the token of a link, for the mail that is being sent."""
    return link_token(
        key=link_key(settings.SECRET_KEY),
        public_id=link.public_id,
        purpose=link.purpose,
        email=link.email,
    )


def _belongs(token: str, link: MailLink) -> bool:
    return is_token_of(
        token,
        key=link_key(settings.SECRET_KEY),
        public_id=link.public_id,
        purpose=link.purpose,
        email=link.email,
    )


def verify_email_path(*, payload: Mapping[str, Any], now: datetime) -> str | None:
    """Return the path that proves an address, or None if it is no longer wanted."""
    purposes = (LinkPurpose.VERIFY_EMAIL, LinkPurpose.CHANGE_EMAIL)
    return _path(payload, now, purposes, "/verify/{token}")


def password_reset_path(*, payload: Mapping[str, Any], now: datetime) -> str | None:
    """Return the path that sets a new password, or None if it is no longer wanted."""
    return _path(payload, now, (LinkPurpose.PASSWORD_RESET,), "/reset/{token}")


def _path(
    payload: Mapping[str, Any], now: datetime, purposes: Sequence[LinkPurpose], template: str
) -> str | None:
    link = MailLink.objects.filter(
        public_id=UUID(str(payload["link_id"])),
        purpose__in=purposes,
        user__is_active=True,
        used_at=None,
        expires_at__gt=now,
    ).first()
    return None if link is None else template.format(token=token_of(link))
