"""Idempotency-Key: repetitions of a creating request get its first answer.

    access   load what the request concerns, by the rights that its user has now
    key      check the key, and let one request per key pass at a time
    replay   same key and same request: the stored answer, nothing done again
             same key, another request: 422 idempotency_key_reused
             same key, still under way: 409 idempotency_in_flight
    effect   do what was asked
    keep     store the answer in the transaction of the effect

Without a key only access and effect run. A refused request keeps no key: it changed nothing, so its
sender may correct and repeat it. A user who lost access since the first answer is refused like any
stranger.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import connection, transaction
from django.db.models import Model

from core.errors import BallastError, Conflict, InvalidInput
from core.identifiers import content_hash
from core.limits import IDEMPOTENCY_KEY_LENGTH_MAX
from identity.models import User
from jobs.models import IdempotencyKey

Answer = tuple[int, dict[str, object]]
Subject = TypeVar("Subject", bound=Model)


class KeyReused(BallastError):
    """The key was used for a request with another content."""

    status = 422
    code = "idempotency_key_reused"


def answer_once(
    *,
    user: User,
    key: str | None,
    request: object,
    now: datetime,
    access: Callable[[], Subject],
    effect: Callable[[Subject], Answer],
) -> tuple[Answer, bool]:
    """Return the answer of `effect`, and whether it is a replay.

    `access` loads what the request concerns, or refuses; `effect` receives it. The key stands for
    `request` (method, path, body) on that subject. `request` must be valid JSON, as must the body
    that `effect` returns with its status.
    """
    subject = access()
    if key is None:
        return effect(subject), False
    _check(key)
    request_hash = content_hash([request, subject._meta.label, str(subject.pk)])
    with transaction.atomic():
        _enter(user_id=user.pk, key=key)
        if (stored := _stored(user_id=user.pk, key=key, request_hash=request_hash)) is not None:
            return stored, True
        answer = effect(subject)
        _keep(answer, user_id=user.pk, key=key, request_hash=request_hash, now=now)
    return answer, False


def _check(key: str) -> None:
    if not key or len(key) > IDEMPOTENCY_KEY_LENGTH_MAX or not key.isprintable():
        raise InvalidInput(
            f"The Idempotency-Key must have 1 to {IDEMPOTENCY_KEY_LENGTH_MAX} printable "
            "characters.",
            code="idempotency_key_invalid",
        )


def _stored(*, user_id: int, key: str, request_hash: str) -> Answer | None:
    """Return the answer kept under this key; refuse another request under it."""
    known = IdempotencyKey.objects.filter(user_id=user_id, key=key).first()
    if known is None:
        return None
    if known.request_hash != request_hash:
        raise KeyReused(
            "This Idempotency-Key was already used for a different request. Send a new key."
        )
    assert known.response_status is not None, "a kept key has its answer"
    return known.response_status, known.response_body or {}


def _keep(answer: Answer, *, user_id: int, key: str, request_hash: str, now: datetime) -> None:
    status, body = answer
    IdempotencyKey.objects.create(
        user_id=user_id,
        key=key,
        request_hash=request_hash,
        response_status=status,
        response_body=json.loads(json.dumps(body, default=str)),
        created_at=now,
    )


def _enter(*, user_id: int, key: str) -> None:
    """Let one request per key pass at a time; the lock ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, %s))", [key, user_id])
        row = cursor.fetchone()
    if not row[0]:
        raise Conflict(
            "The first request with this Idempotency-Key is still running. Try again shortly.",
            code="idempotency_in_flight",
        )


def forget_old_keys(*, now: datetime) -> int:
    """Delete the keys older than a day; return how many."""
    return IdempotencyKey.objects.filter(created_at__lt=now - timedelta(days=1)).delete()[0]
