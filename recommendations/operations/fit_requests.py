"""Complete what a person asks of a model from their holdings, currency and risk profile."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.errors import InvalidInput
from identity.models import Household, User
from marketdata.models import AssetClass
from recommendations.allocations.problem import YEARS_DEFAULT, Request
from recommendations.queries.allocations import latest_assessment
from transactions.models import Account
from transactions.queries import holdings

# Asks for no risk profile, instead of the newest one.
NO_PROFILE = "none"
_LOWEST, _HIGHEST = Decimal(0), Decimal(100)


def fit_request(
    *, household: Household, account: Account | None, user: User, asked: Mapping[str, Any]
) -> Request:
    """Return the whole request; raise InvalidInput with `symbols_missing` if it names no symbols.

    asked: the fields of the API, with everything but the model optional.
    """
    symbols = asked.get("symbols") or (held_symbols(account) if account else ())
    if not symbols:
        raise InvalidInput(
            "The request names no symbols. Send symbols, or an account with holdings.",
            code="symbols_missing",
            fields={"symbols": ["is required without an account with holdings"]},
        )
    return Request(
        model=asked["model"],
        symbols=tuple(sorted(symbols)),
        currency=asked.get("currency") or (account.currency if account else user.base_currency),
        years=asked.get("years", YEARS_DEFAULT),
        profile=_profile(household, asked.get("risk_profile")),
        weight_min=asked.get("weight_min", _LOWEST),
        weight_max=asked.get("weight_max", _HIGHEST),
        bounds=tuple(
            sorted(
                (one["symbol"], one.get("min", _LOWEST), one.get("max", _HIGHEST))
                for one in asked.get("bounds", ())
            )
        ),
        cost_bp=asked.get("cost_bp", Decimal(0)),
    )


def held_symbols(account: Account) -> list[str]:
    """Return the holdings that can be traded; one household knows a symbol once."""
    return sorted(
        {
            row.asset.symbol
            for row in holdings(account_ids=[account.pk])
            if row.asset.tradable and row.asset.asset_class != AssetClass.CASH
        }
    )


def _profile(household: Household, asked: str | None) -> str:
    if asked == NO_PROFILE:
        return ""
    if asked:
        return asked
    latest = latest_assessment(household_id=household.pk)
    return latest.profile if latest else ""
