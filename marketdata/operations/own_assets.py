"""Create a household's own assets."""

from django.db import transaction

from core.currencies import CURRENCIES
from core.errors import Conflict, InvalidInput
from core.limits import OWN_ASSETS_PER_HOUSEHOLD_MAX
from identity.models import User
from identity.operations.households import own_household
from marketdata.identifiers import ensure_symbol
from marketdata.models import Asset, AssetClass, IdentityDecision


def create_own_asset(
    *,
    user: User,
    symbol: str,
    name: str,
    currency: str,
    asset_class: str,
    substantially_identical_to: str | None = None,
) -> Asset:
    """Create an asset that only the user's household sees. Its symbol must not be public."""
    ensure_symbol(symbol)
    if asset_class not in AssetClass.values:
        raise InvalidInput(
            "The asset class does not exist. Send one of those listed in errors.",
            code="asset_class_unknown",
            fields={"asset_class": [f"must be one of {', '.join(AssetClass.values)}"]},
        )
    if currency not in CURRENCIES:
        raise InvalidInput(
            f"{currency[:8]} is not a supported currency. Send an ISO 4217 code such as USD.",
            code="currency_unknown",
            fields={"currency": ["is not known"]},
        )
    with transaction.atomic():
        own_household(user=user)
        visible = Asset.objects.for_household(user.household_id)
        if visible.filter(symbol=symbol).exists():
            raise Conflict(
                f"Another asset already has the symbol {symbol}. Choose another.",
                code="symbol_taken",
                fields={"symbol": ["is taken"]},
            )
        if Asset.objects.filter(household_id=user.household_id).count() >= (
            OWN_ASSETS_PER_HOUSEHOLD_MAX
        ):
            raise Conflict(
                f"The household has the maximum of {OWN_ASSETS_PER_HOUSEHOLD_MAX} own assets. "
                "Use an existing one.",
                code="too_many_own_assets",
            )
        identical = _identical(user, substantially_identical_to)
        asset = Asset.objects.create(
            symbol=symbol,
            name=name,
            currency=currency,
            asset_class=asset_class,
            household_id=user.household_id,
            substantially_identical_to=identical,
        )
        if identical is not None:
            # Nothing was traded yet, so no ledger needs rebooking.
            IdentityDecision.objects.create(
                asset=asset,
                identical_to=identical,
                decided_by_id=user.pk,
                decided_at=asset.created_at,
                applied_at=asset.created_at,
            )
        return asset


def _identical(user: User, symbol: str | None) -> Asset | None:
    if symbol is None:
        return None
    found = Asset.objects.for_household(user.household_id).filter(symbol=symbol).first()
    if found is None:
        raise InvalidInput(
            f"The symbol {symbol[:40]} is not known.",
            code="symbol_unknown",
            fields={"substantially_identical_to": ["is not known"]},
        )
    return found
