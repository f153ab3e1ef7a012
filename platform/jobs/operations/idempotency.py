"""Idempotency-Key: repetitions of a creating request get its first answer.

The key, a hash of the request and the answer are written in the transaction of the effect itself:
    same key, same request      the stored answer, nothing done again
    same key, another request   422 idempotency_key_reused
    same key, still under way   409 idempotency_in_flight
    no key                      the effect runs, nothing is kept
A refused request keeps no key: it changed nothing, so its sender may correct and repeat it.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection, transaction

from core.errors import BallastError, Conflict, InvalidInput
from core.identifiers import content_hash
from core.limits import IDEMPOTENCY_KEY_LENGTH_MAX
from identity.models import User
from jobs.models import IdempotencyKey

Answer = tuple[int, dict[str, object]]


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
    effect: Callable[[], Answer],
) -> tuple[Answer, bool]:
    """Return the answer of `effect`, and whether it is a replay.

    The key stands for `request` (method, path, body). `request` must be valid JSON, as must the
    body that `effect` returns with its status.
    """
    if key is None:
        return effect(), False
    if not key or len(key) > IDEMPOTENCY_KEY_LENGTH_MAX or not key.isprintable():
        raise InvalidInput(
            f"The Idempotency-Key must have 1 to {IDEMPOTENCY_KEY_LENGTH_MAX} printable "
            "characters.",
            code="idempotency_key_invalid",
        )
    request_hash = content_hash(request)
    with transaction.atomic():
        _enter(user_id=user.pk, key=key)
        known = IdempotencyKey.objects.filter(user_id=user.pk, key=key).first()
        if known is not None:
            if known.request_hash != request_hash:
                raise KeyReused(
                    "This Idempotency-Key was already used for a different request. Send a new key."
                )
            assert known.response_status is not None, "a kept key has its answer"
            return (known.response_status, known.response_body or {}), True
        status, body = effect()
        IdempotencyKey.objects.create(
            user_id=user.pk,
            key=key,
            request_hash=request_hash,
            response_status=status,
            response_body=json.loads(json.dumps(body, default=str)),
            created_at=now,
        )
    return (status, body), False


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
