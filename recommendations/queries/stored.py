"""Stored recommendations, for those who may see them."""

import json
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from core.errors import NotFound
from identity.models import User
from jobs.models import Job
from recommendations.models import Recommendation
from transactions.queries import account as ledger_account


def recommendations(*, user: User, account_id: UUID | None = None) -> "QuerySet[Recommendation]":
    """Return the recommendations of the accounts a user may see, newest first."""
    rows = (
        Recommendation.objects.for_user(user)
        .select_related("account", "job")
        .defer("job__params", "job__result")
    )
    if account_id is not None:
        rows = rows.filter(account=ledger_account(user=user, public_id=account_id))
    return rows.order_by("-created_at", "-id")


def recommendation(*, user: User, public_id: UUID) -> Recommendation:
    """Return one recommendation, if this user may see it."""
    found = recommendations(user=user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound(
            "The recommendation does not exist, or you have no access to it.",
            code="recommendation_not_found",
        )
    return found


def job_result(job: Job) -> dict[str, Any]:
    """Return the result of a rebalance's or a harvest's job, read from its recommendation."""
    row = Recommendation.objects.only("public_id", "result").get(job=job)
    return {**json.loads(row.result), "recommendation_id": str(row.public_id)}
