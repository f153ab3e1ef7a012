"""A person's open log-ins: list, end one, end the others, and prove again who one is."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import CharField, F, QuerySet, UUIDField, Value
from django.db.models.functions import Cast, Right

from core.errors import BallastError, NotFound
from identity.models import Session, TokenFamily, User
from identity.operations import refresh_tokens
from identity.operations.security_events import note
from identity.operations.sessions import SessionStore
from identity.origins import Origin
from identity.socket_rights import SESSION_PREFIX

# A proof of who one is (a log-in, a password, a second factor) counts for this long.
PROOF_LIFETIME = timedelta(minutes=15)


class ProofNeeded(BallastError):
    """The act needs a recent proof of who one is."""

    status = 403
    code = "proof_required"


def open_log_ins(*, user: User, now: datetime) -> "QuerySet[Any, Any]":
    """Return the user's log-ins that have not ended, the last used first."""
    shown = ("device", "address", "created_at", "last_used_at", "expires")
    tokens = (
        TokenFamily.objects.filter(user_id=user.pk, revoked_at=None, expires_at__gt=now)
        .annotate(name=Cast("id", CharField()), kind=Value("token"), expires=F("expires_at"))
        .values("name", "kind", *shown)
    )
    sessions = (
        Session.objects.filter(user_id=user.pk, expire_date__gt=now)
        .annotate(
            name=Cast(Cast(Right("family", 32), UUIDField()), CharField()),
            kind=Value("browser"),
            expires=F("expire_date"),
        )
        .values("name", "kind", *shown)
    )
    both: QuerySet[Any, Any] = tokens.union(sessions, all=True)
    return both.order_by("-last_used_at", "name")


def end_log_in(*, user: User, log_in_id: UUID, now: datetime, origin: Origin) -> None:
    """End one of the user's log-ins at once, with its sockets; raise NotFound otherwise."""
    with transaction.atomic():
        named = Session.objects.filter(user_id=user.pk, family=SESSION_PREFIX + log_in_id.hex)
        if not refresh_tokens.withdraw(
            user=user, family_id=log_in_id, now=now
        ) and not _end_sessions(named):
            raise NotFound("This log-in has ended already. Reload the list.")
        _note(user, "log_in_ended", now, origin)


def end_others(*, user: User, current: str, now: datetime, origin: Origin) -> int:
    """End every log-in of the user but `current`, a family; return how many."""
    with transaction.atomic():
        families = TokenFamily.objects.filter(user_id=user.pk, revoked_at=None)
        count = 0
        for family_id in families.order_by("pk").values_list("pk", flat=True):
            if str(family_id) != current:
                count += refresh_tokens.withdraw(user=user, family_id=family_id, now=now)
        count += _end_sessions(Session.objects.filter(user_id=user.pk).exclude(family=current))
        _note(user, "log_ins_ended", now, origin, count=count)
    return count


def _end_sessions(rows: QuerySet[Session]) -> int:
    keys: Sequence[str] = list(rows.order_by("pk").values_list("session_key", flat=True))
    for key in keys:
        transaction.on_commit(partial(SessionStore(key).delete, key), robust=True)
    rows.model.objects.filter(session_key__in=keys).delete()
    return len(keys)


def token_proved_at(*, family_id: str) -> datetime | None:
    """Return when the person behind this log-in of the API last proved who they are."""
    rows = TokenFamily.objects.filter(pk=family_id, revoked_at=None)
    return rows.values_list("proved_at", flat=True).first()


def renew_token_proof(*, family_id: str, now: datetime) -> None:
    """Write that the person behind this log-in of the API has just proved who they are."""
    TokenFamily.objects.filter(pk=family_id, revoked_at=None).update(proved_at=now)


def ensure_recent(*, proved_at: datetime | None, now: datetime) -> None:
    """Raise ProofNeeded unless the proof is recent."""
    if proved_at is None or proved_at < now - PROOF_LIFETIME:
        raise ProofNeeded(
            "Confirm that it is you: send the password, or a code of the second factor, to "
            "auth/proof. Then repeat the request."
        )


def _note(user: User, kind: str, now: datetime, origin: Origin, **details: Any) -> None:
    note(
        kind=kind,
        user=user,
        household_id=user.household_id,
        now=now,
        origin=origin,
        details=details,
    )
