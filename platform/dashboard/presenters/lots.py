"""Lots as the page shows them: one purchase, and the pieces a wash sale divided it into. Pure."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from core.money import plain, quantize

_SUMMED = ("quantity", "cost_basis", "wash_sale_adjustment", "unrealized_gain")


def lots_by_purchase(rows: Iterable[Mapping[str, Any]], currency: str) -> list[dict[str, Any]]:
    """A row a purchase in the order given, pieces beside each other; `pieces` where several."""
    purchases: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        purchases.setdefault(row["lot_id"], []).append(_with_unit_cost(row, currency))
    found = []
    for pieces in purchases.values():
        if len(pieces) == 1:
            found.append({**pieces[0], "pieces": []})
            continue
        whole = {**pieces[0], **{name: _sum(pieces, name) for name in _SUMMED}}
        terms = {piece["term"] for piece in pieces}
        whole["term"] = terms.pop() if len(terms) == 1 else "both"
        whole["holding_period_date"] = whole["opened_date"]  # each piece says its own
        found.append({**_with_unit_cost(whole, currency), "pieces": pieces})
    return found


def _sum(pieces: Iterable[Mapping[str, Any]], name: str) -> str | None:
    texts = [piece[name] for piece in pieces]
    return None if None in texts else plain(sum((Decimal(text) for text in texts), Decimal(0)))


def _with_unit_cost(row: Mapping[str, Any], currency: str) -> dict[str, Any]:
    quantity = Decimal(row["quantity"])
    adjustment = quantize(Decimal(row["wash_sale_adjustment"]), currency)
    return {
        **row,
        "unit_cost": plain(Decimal(row["cost_basis"]) / quantity) if quantity else None,
        "adjusted": adjustment != 0,
    }
