"""The weights of a target set: of assets, of cash, and of asset classes that funds fill. Pure.

    a weight    symbol + asset id | CASH | asset class + the funds that fill it, in order
    filled      a class becomes its first fund that may be bought; weights of one asset are summed

A set of 60 percent VTI and 40 percent of the class bond, filled by BND, else AGG, becomes the
targets VTI 60 and BND 40; in an account that must not buy BND it becomes VTI 60 and AGG 40.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from core.errors import InvalidInput
from portfolios.holdings.targets import ABSOLUTE, CASH_SYMBOL, RELATIVE, TargetWeight


@dataclass(frozen=True, slots=True)
class Fund:
    """An asset as a set names it: by its id, with the symbol it had then."""

    asset_id: str
    symbol: str


@dataclass(frozen=True, slots=True)
class SetWeight:
    """One weight in percent with its band. `funds` has one asset, none for cash, or a class's.

    `asset_class` is empty unless the weight is that of a class.
    """

    funds: tuple[Fund, ...]
    target_percentage: Decimal
    rebalance_threshold: Decimal
    threshold_kind: str = ABSOLUTE
    asset_class: str = ""

    @property
    def band(self) -> Decimal:
        """Return half the width of the band in percentage points, with four decimals."""
        return self.as_target().band

    def as_target(self) -> TargetWeight:
        """Return the weight by its symbol."""
        return TargetWeight(
            self.symbol, self.target_percentage, self.rebalance_threshold, self.threshold_kind
        )

    @property
    def symbol(self) -> str:
        """Return the symbol, CASH, or the name of the class."""
        if self.asset_class:
            return self.asset_class
        return self.funds[0].symbol if self.funds else CASH_SYMBOL


def packed(weights: Sequence[SetWeight]) -> list[dict[str, Any]]:
    """Return the weights as JSON: what a version stores and its hash is computed of."""
    return [_packed(weight) for weight in weights]


def unpacked(rows: Sequence[Mapping[str, Any]]) -> tuple[SetWeight, ...]:
    """Return the weights of a stored version."""
    return tuple(_unpacked(row) for row in rows)


def ensure_distinct(weights: Sequence[SetWeight]) -> None:
    """Raise target_twice if an asset, cash or a class has two weights."""
    seen: set[tuple[str, ...]] = set()
    for weight in weights:
        key = ("class", weight.asset_class) if weight.asset_class else _key(weight)
        if key in seen:
            raise InvalidInput(
                f"{weight.symbol} has two weights. Join them into one.",
                code="target_twice",
                fields={"weights": [f"{weight.symbol} is given twice"]},
            )
        seen.add(key)


def filled(weights: Sequence[SetWeight], *, may_buy: Callable[[Fund], bool]) -> list[SetWeight]:
    """Return the weights of assets and cash: each class filled by its first fund to be bought.

    Raise class_not_filled if none of its funds may be bought. Where two weights name one asset,
    the shares add up and the narrower band holds.
    """
    found: dict[tuple[str, ...], SetWeight] = {}
    for weight in weights:
        one = weight
        if weight.asset_class:
            one = replace(weight, funds=(_filling(weight, may_buy),), asset_class="")
        known = found.get(_key(one))
        found[_key(one)] = one if known is None else _joined(known, one)
    return list(found.values())


def _filling(weight: SetWeight, may_buy: Callable[[Fund], bool]) -> Fund:
    for fund in weight.funds:
        if may_buy(fund):
            return fund
    named = ", ".join(fund.symbol for fund in weight.funds)
    raise InvalidInput(
        f"No fund of the class {weight.asset_class} may be bought in this account: {named}.",
        code="class_not_filled",
        fields={"weights": [f"{weight.asset_class}: none of {named} may be bought"]},
    )


def _joined(one: SetWeight, other: SetWeight) -> SetWeight:
    return replace(
        one,
        target_percentage=one.target_percentage + other.target_percentage,
        rebalance_threshold=min(one.band, other.band),
        threshold_kind=ABSOLUTE,
    )


def _key(weight: SetWeight) -> tuple[str, ...]:
    return ("asset", weight.funds[0].asset_id) if weight.funds else ("cash",)


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _packed(weight: SetWeight) -> dict[str, Any]:
    row: dict[str, Any] = {
        "target_percentage": _plain(weight.target_percentage),
        "rebalance_threshold": _plain(weight.rebalance_threshold),
        "threshold_kind": weight.threshold_kind,
    }
    if weight.asset_class:
        funds = [{"asset_id": fund.asset_id, "symbol": fund.symbol} for fund in weight.funds]
        return {**row, "asset_class": weight.asset_class, "funds": funds}
    if weight.funds:
        row["asset_id"] = weight.funds[0].asset_id
    return {**row, "symbol": weight.symbol}


def _unpacked(row: Mapping[str, Any]) -> SetWeight:
    if "asset_class" in row:
        funds = tuple(Fund(one["asset_id"], one["symbol"]) for one in row["funds"])
    elif "asset_id" in row:
        funds = (Fund(row["asset_id"], row["symbol"]),)
    else:
        assert row["symbol"] == CASH_SYMBOL, "only cash has no asset"
        funds = ()
    kind = row["threshold_kind"]
    assert kind in (ABSOLUTE, RELATIVE), "a band is in points or a part of the target"
    return SetWeight(
        funds=funds,
        target_percentage=Decimal(row["target_percentage"]),
        rebalance_threshold=Decimal(row["rebalance_threshold"]),
        threshold_kind=kind,
        asset_class=row.get("asset_class", ""),
    )
