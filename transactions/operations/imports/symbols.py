"""Check the user's mapping of a file's securities, and create the assets it asks for."""

from collections.abc import Mapping
from typing import Any

from core.currencies import CURRENCIES, is_small_unit, minor_unit_of
from core.errors import InvalidInput
from marketdata.identifiers import ensure_symbol
from marketdata.models import Asset, AssetClass
from marketdata.operations.own_assets import create_own_asset
from transactions.models import Import


def stated(*, batch: Import, symbols: Mapping[str, Any]) -> dict[str, Any]:
    """Check a user's mapping and return it in one form; raise InvalidInput if it is invalid.

    "AAA" is our symbol, "skip" leaves the rows out, and "create" creates an own asset from the
    file's data. {"symbol", "name", "asset_class", "currency"} states the asset in full.
    """
    known = {row["key"]: row for row in batch.securities}
    answer = {}
    for key, said in symbols.items():
        if key not in known:
            raise _refused(key, "is not in the file", "symbol_not_in_file")
        answer[key] = _said(key, said, known[key])
    return answer


def _said(key: str, said: Any, row: Mapping[str, Any]) -> dict[str, str]:
    if said == "skip":
        return {"action": "skip"}
    if isinstance(said, str) and said != "create":
        return {"action": "map", "symbol": said.strip().upper()}
    details = {} if said == "create" else dict(said)
    unknown = set(details) - {"symbol", "name", "asset_class", "currency"}
    if unknown:
        raise _refused(key, f"contains an unknown field {sorted(unknown)[0][:40]}", "unknown_field")
    made = {
        "symbol": str(details.get("symbol") or row["symbol"] or row["isin"]).strip().upper(),
        "name": str(details.get("name") or row["name"] or key)[:120],
        "asset_class": str(details.get("asset_class") or AssetClass.EQUITY),
        "currency": str(details.get("currency") or row["currency"]),
    }
    ensure_symbol(made["symbol"])
    if made["asset_class"] not in AssetClass.values:
        raise _refused(key, "has an unknown asset class", "asset_class_unknown")
    if minor_unit_of(made["currency"]) is not None or is_small_unit(made["currency"]):
        raise _refused(
            key, "is quoted in a minor unit; send the currency itself", "minor_currency_unit"
        )
    made["currency"] = made["currency"].upper()
    if made["currency"] not in CURRENCIES:
        raise _refused(key, "has an unknown currency", "currency_unknown")
    return {"action": "create", **made}


def _refused(key: str, message: str, code: str) -> InvalidInput:
    return InvalidInput(
        f"{key[:60]} {message}.", code=code, fields={f"symbols.{key[:60]}": [message]}
    )


def create_assets(*, batch: Import) -> None:
    """Create the own assets that the mapping asks for and that do not exist yet."""
    wanted = [said for said in batch.symbols.values() if said["action"] == "create"]
    known = set(
        Asset.objects.for_household(batch.account.household_id)
        .filter(symbol__in=[said["symbol"] for said in wanted])
        .values_list("symbol", flat=True)
    )
    for said in wanted:
        if said["symbol"] not in known:
            known.add(said["symbol"])
            create_own_asset(
                # A member of the household that will own the asset, even if an adviser imports.
                user=batch.account.owner,
                symbol=said["symbol"],
                name=said["name"],
                currency=said["currency"],
                asset_class=said["asset_class"],
            )
