"""Match the securities of a file to assets: by the user's mapping, by symbol, or by ISIN."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from marketdata.models import Asset
from transactions.models import Import

SUGGESTIONS_MAX = 5


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of one security of a file: an asset, an asset to create, or skipped.

    `how`: mapped, created or skipped by the user; matched by symbol or isin; or unknown.
    """

    how: str
    symbol: str | None = None
    asset: Asset | None = None


def meanings(*, batch: Import) -> dict[str, Meaning]:
    """Return the meaning of every security of the file by its key; two queries."""
    return meanings_of(
        household_id=batch.account.household_id, rows=batch.securities, said=batch.symbols
    )


def meanings_of(
    *,
    household_id: int,
    rows: Sequence[Mapping[str, Any]],
    said: Mapping[str, Mapping[str, Any]],
) -> dict[str, Meaning]:
    """Return the meaning of securities, each with key, symbol, isin and currency, by their keys.

    `said`: what a user has said of some of them.
    """
    known = _assets(household_id, rows, said)
    by_symbol = {asset.symbol: asset for asset in known}
    by_isin: dict[str, list[Asset]] = {}
    for asset in known:
        if asset.isin:
            by_isin.setdefault(asset.isin, []).append(asset)
    return {row["key"]: _meaning(row, said.get(row["key"]), by_symbol, by_isin) for row in rows}


def _assets(
    household_id: int, rows: Sequence[Mapping[str, Any]], said: Mapping[str, Mapping[str, Any]]
) -> list[Asset]:
    """Return the assets visible to the household that may match; its own assets win."""
    wanted = {row["key"].upper() for row in rows}
    wanted |= {one["symbol"] for one in said.values() if one.get("symbol")}
    isins = {row["isin"] for row in rows if row["isin"]}
    found = (
        Asset.objects.for_household(household_id)
        .filter(Q(symbol__in=sorted(wanted)) | Q(isin__in=sorted(isins)), is_active=True)
        .order_by("household_id", "id")
    )
    return list({asset.symbol: asset for asset in reversed(found)}.values())


def _meaning(
    row: Mapping[str, Any],
    said: Mapping[str, Any] | None,
    by_symbol: Mapping[str, Asset],
    by_isin: Mapping[str, Sequence[Asset]],
) -> Meaning:
    if said is not None:
        if said["action"] == "skip":
            return Meaning("skipped")
        if said["action"] == "create":
            made = Asset(symbol=said["symbol"], currency=said["currency"], name=said["name"])
            return Meaning("created", said["symbol"], by_symbol.get(said["symbol"], made))
        asset = by_symbol.get(said["symbol"])
        return Meaning("mapped", asset.symbol, asset) if asset else Meaning("unknown")
    asset = by_symbol.get(row["key"].upper())
    if asset is not None and not (row["isin"] and asset.isin and asset.isin != row["isin"]):
        return Meaning("symbol", asset.symbol, asset)
    same = by_isin.get(row["isin"], ())
    if len(same) > 1:
        # Listed in several currencies: the one in which the file states its prices.
        same = [one for one in same if one.currency == row["currency"]]
    if len(same) == 1:
        return Meaning("isin", same[0].symbol, same[0])
    return Meaning("unknown")


def suggestions(*, batch: Import, unknown: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Suggest symbols for unknown securities: by ISIN, then by symbol; one query."""
    condition = Q(pk__in=[])
    for row in unknown:
        if row["isin"]:
            condition |= Q(isin=row["isin"])
        if stem := _stem(row["key"]):
            condition |= Q(symbol__startswith=stem)
    found = list(
        Asset.objects.for_household(batch.account.household_id)
        .filter(condition, is_active=True)
        .order_by("symbol", "id")[:1000]
    )
    answer = {}
    for row in unknown:
        isin = [a.symbol for a in found if row["isin"] and a.isin == row["isin"]]
        stem = _stem(row["key"])
        alike = [a.symbol for a in found if stem and a.symbol.startswith(stem)]
        answer[row["key"]] = list(dict.fromkeys([*isin, *alike]))[:SUGGESTIONS_MAX]
    return answer


def _stem(key: str) -> str:
    """Return a symbol without the suffix of its exchange."""
    stem = key.upper().partition(".")[0].partition(" ")[0].partition(":")[0]
    return stem if 0 < len(stem) <= 12 else ""
