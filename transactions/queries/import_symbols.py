"""Match the securities of a file to assets: by the user's mapping, by symbol, or by ISIN."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from marketdata.models import Asset
from stores.rows import rows_of
from transactions.models import Import

SUGGESTIONS_MAX = 5
# Some of the symbols alike may be of the same ISIN, and a household's own symbol may be public too.
_ALIKE_MAX = 4 * SUGGESTIONS_MAX
# The index of prefixes compares bytes, and no character comes after the last one of Unicode. OFFSET
# keeps the planner from walking all symbols in their order until enough are found.
_ALIKE = f"""
SELECT wanted.stem, found.symbol
  FROM unnest(%(stems)s::text[]) AS wanted (stem)
 CROSS JOIN LATERAL (
       SELECT symbol, id FROM (
              SELECT symbol, id FROM {Asset._meta.db_table}
               WHERE symbol ~>=~ wanted.stem AND symbol ~<~ (wanted.stem || chr(1114111))
                 AND is_active AND (household_id IS NULL OR household_id = %(household)s)
              OFFSET 0) AS beginning
        ORDER BY symbol, id LIMIT %(count)s) AS found
 ORDER BY wanted.stem, found.symbol, found.id
"""


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
    """Suggest symbols for unknown securities: by ISIN, then by symbol; two queries."""
    household_id = batch.account.household_id
    isins = {row["isin"] for row in unknown if row["isin"]}
    same: dict[str, list[str]] = {}
    listed = (
        Asset.objects.for_household(household_id)
        .filter(isin__in=sorted(isins), is_active=True)
        .order_by("symbol", "id")
    )
    for isin, symbol in listed.values_list("isin", "symbol"):
        same.setdefault(isin, []).append(symbol)
    stems = {stem for row in unknown if (stem := _stem(row["key"]))}
    alike: dict[str, list[str]] = {}
    values = {"stems": sorted(stems), "household": household_id, "count": _ALIKE_MAX}
    for stem, symbol in rows_of(_ALIKE, values):
        alike.setdefault(stem, []).append(symbol)
    answer = {}
    for row in unknown:
        found = [*same.get(row["isin"], ()), *alike.get(_stem(row["key"]), ())]
        answer[row["key"]] = list(dict.fromkeys(found))[:SUGGESTIONS_MAX]
    return answer


def _stem(key: str) -> str:
    """Return a symbol without the suffix of its exchange."""
    stem = key.upper().partition(".")[0].partition(" ")[0].partition(":")[0]
    return stem if 0 < len(stem) <= 12 else ""
