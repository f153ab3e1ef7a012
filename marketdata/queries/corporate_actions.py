"""Queries of corporate actions."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet

from core.errors import NotFound
from identity.models import User
from marketdata.models import CorporateAction


def corporate_actions(
    *, user: User, symbol: str = "", asset_ids: Collection[int] | None = None, state: str = ""
) -> "QuerySet[CorporateAction]":
    """Return the actions this user may see, the latest ex-day first."""
    rows = CorporateAction.objects.for_user(user).select_related(
        *("asset", "new_asset", "proposed_by", "confirmed_by", "withdrawn_by")
    )
    if symbol:
        rows = rows.filter(asset__symbol=symbol)
    if asset_ids is not None:
        rows = rows.filter(asset_id__in=asset_ids)
    if state:
        rows = rows.filter(state=state)
    return rows.order_by("-ex_date", "-id")


def corporate_action(*, user: User, public_id: UUID) -> CorporateAction:
    """Return one action, if this user may see it."""
    found = corporate_actions(user=user).filter(public_id=public_id).first()
    if found is None:
        raise NotFound(
            "The corporate action does not exist, or you have no access to it.",
            code="corporate_action_not_found",
        )
    return found
