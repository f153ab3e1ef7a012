"""Recovery of a forgotten password.

    ask        a row for any address, known or not; the request does nothing else
    answer     a worker looks whose address it is, and announces the mail
    reset      the link's token and a new password; every log-in and API key of the user ends

A second factor stays: after a reset the log-in asks for it as ever.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from identity.models import LinkPurpose, ResetRequest, User
from identity.operations.api_keys import end_keys
from identity.operations.mail_links import close_links, open_link, used_link
from identity.operations.security_events import note
from identity.operations.users import end_everything, ensure_good_password
from identity.origins import Origin
from stores.locks import locked

_BATCH = 200
_KEPT = timedelta(days=7)


def ask_for_reset(*, email: str, now: datetime, origin: Origin) -> None:
    """Keep the request. It costs the same for an unknown address."""
    with transaction.atomic():
        ResetRequest.objects.create(
            email=email, address=origin.address, device=origin.device, created_at=now
        )
        transaction.on_commit(_wake, robust=True)


def _wake() -> None:
    # The schedule runs the task anyway. `jobs`, which knows the broker, stands above this room.
    import_string(settings.WAKER)("identity.answer_reset_requests", queue="notify")


def answer_reset_requests(*, now: datetime) -> int:
    """Announce a mail for each waiting request whose address is a user's; return how many."""
    told = 0
    for _ in range(_BATCH):
        with transaction.atomic():
            row = (
                ResetRequest.objects.select_for_update(skip_locked=True)
                .filter(answered_at=None)
                .order_by("id")
                .first()
            )
            if row is None:
                break
            ResetRequest.objects.filter(pk=row.pk).update(answered_at=now)
            told += _answer(row, now)
    return told


def _answer(row: ResetRequest, now: datetime) -> bool:
    user = locked(User.objects.all()).filter(email=row.email).first()
    if user is None or not user.may_log_in:
        return False
    if row.created_at < now - timedelta(hours=1):
        return False  # too late: nobody waits for it any more
    link = open_link(user=user, purpose=LinkPurpose.PASSWORD_RESET, email=user.email, now=now)
    note(
        kind="password_reset",
        user=user,
        household_id=user.household_id,
        now=now,
        origin=Origin(row.address, row.device),
        expires_at=link.expires_at,
        words={"link_id": str(link.public_id)},
    )
    return True


def reset_password(*, token: str, new_password: str, now: datetime, origin: Origin) -> User:
    """Set a new password with the link's token; every token, session and socket ends."""
    with transaction.atomic():
        link = used_link(token=token, purpose=LinkPurpose.PASSWORD_RESET, now=now)
        user = link.user
        ensure_good_password(new_password, user=user)
        user.set_password(new_password)
        User.objects.filter(pk=user.pk).update(
            password=user.password, email_verified_at=user.email_verified_at or now
        )
        close_links(user=user, now=now)
        end_everything(user_id=user.pk, now=now)
        end_keys(user_id=user.pk, now=now)
        note(
            kind="password_changed",
            user=user,
            household_id=user.household_id,
            now=now,
            origin=origin,
            details={"by": "mailed link"},
        )
    return user


def forget_old_requests(*, now: datetime) -> int:
    """Delete the requests older than a week; return how many."""
    return ResetRequest.objects.filter(created_at__lt=now - _KEPT).delete()[0]
