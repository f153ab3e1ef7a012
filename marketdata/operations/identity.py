"""Decisions on which assets are substantially identical."""

from datetime import datetime

from django.db import transaction

from core.errors import InvalidInput, NotFound
from identity.models import User
from marketdata.models import Asset, IdentityDecision
from stores.locks import locked


def decide_identity(
    *, asset: Asset, identical_to: Asset | None, user: User, now: datetime, reason: str = ""
) -> IdentityDecision:
    """Record what an asset is substantially identical to, or that it no longer is.

    The decision stays open until a worker has rebooked every household that it concerns: the own
    household of an own asset, else all that ever traded the assets.
    """
    with transaction.atomic():
        row = locked(Asset.objects.all()).get(pk=asset.pk)
        if identical_to is not None and identical_to.pk == row.pk:
            raise InvalidInput(
                "An asset cannot be declared identical to itself. Name another asset.",
                code="identical_to_itself",
                fields={"substantially_identical_to": ["must be another asset"]},
            )
        if (
            identical_to is not None
            and identical_to.household_id is not None
            and identical_to.household_id != row.household_id
        ):
            raise NotFound("No such asset.", code="symbol_unknown")
        decision = IdentityDecision.objects.create(
            asset=row,
            identical_to=identical_to,
            previously_id=row.substantially_identical_to_id,
            reason=reason,
            decided_by_id=user.pk,
            decided_at=now,
        )
        Asset.objects.filter(pk=row.pk).update(substantially_identical_to=identical_to)
    return decision


def record_class_change(
    *, asset: Asset, previously: str, user: User, now: datetime
) -> IdentityDecision:
    """Record a change of an asset's class, so that every ledger that holds it is rebooked.

    The class decides whether losses of an asset can be wash sales (crypto may be exempt). The
    decision repeats the asset's identity and is applied like any other.
    """
    return IdentityDecision.objects.create(
        asset=asset,
        identical_to_id=asset.substantially_identical_to_id,
        previously_id=asset.substantially_identical_to_id,
        reason=f"The asset class was changed from {previously} to {asset.asset_class}.",
        decided_by_id=user.pk,
        decided_at=now,
    )


def decide_own_identity(
    *, user: User, symbol: str, identical_to: str | None, now: datetime, reason: str = ""
) -> IdentityDecision:
    """Record the same for an asset of the user's household. Operators decide on public assets."""
    asset = Asset.objects.filter(household_id=user.household_id, symbol=symbol).first()
    if asset is None:
        if Asset.objects.filter(household=None, symbol=symbol).exists():
            raise InvalidInput(
                f"{symbol} is a public asset. Ask an operator to decide what it is identical to.",
                code="asset_not_own",
            )
        raise NotFound(
            f"The symbol {symbol[:40]} is not known. Search for it first.", code="symbol_unknown"
        )
    other = None
    if identical_to is not None:
        other = Asset.objects.for_household(user.household_id).filter(symbol=identical_to).first()
        if other is None:
            raise InvalidInput(
                f"The symbol {identical_to[:40]} is not known. Search for it first.",
                code="symbol_unknown",
                fields={"substantially_identical_to": ["is not known"]},
            )
    return decide_identity(asset=asset, identical_to=other, user=user, now=now, reason=reason)
