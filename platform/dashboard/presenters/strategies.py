"""The rows of a strategy's weights as its author types them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from core.errors import InvalidInput
from core.limits import STRATEGY_WEIGHTS_MAX
from portfolios.holdings.targets import ABSOLUTE, THRESHOLD_KINDS

ROWS_ADDED = 3
_FOUR_DECIMALS = Decimal("0.0001")
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class WeightRow:
    """One row, as typed: a symbol, CASH, or the name of a class with the funds that fill it."""

    name: str = ""
    funds: str = ""
    target: str = ""
    threshold: str = "5"
    kind: str = ABSOLUTE

    @property
    def is_empty(self) -> bool:
        return not (self.name or self.funds or self.target)

    @property
    def share(self) -> Decimal | None:
        """Return the target in percent; None if it is none."""
        return percentage(self.target)


@dataclass(frozen=True, slots=True)
class StatedWeight:
    """A row that was understood."""

    symbol: str
    asset_class: str
    funds: tuple[str, ...]
    target_percentage: Decimal
    rebalance_threshold: Decimal
    threshold_kind: str


def rows_of(packed: Sequence[Mapping[str, Any]]) -> list[WeightRow]:
    """Return stored weights as rows of the editor."""
    return [
        WeightRow(
            name=row.get("asset_class") or row["symbol"],
            funds=", ".join(fund["symbol"] for fund in row.get("funds", ())),
            target=row["target_percentage"],
            threshold=row["rebalance_threshold"],
            kind=row["threshold_kind"],
        )
        for row in packed
    ]


def typed_rows(columns: Sequence[Sequence[str]]) -> list[WeightRow]:
    """Return the rows of a form from its columns, without the empty ones."""
    rows = [
        WeightRow(*(cell.strip() for cell in cells))
        for cells in list(zip(*columns, strict=False))[: STRATEGY_WEIGHTS_MAX + 1]
    ]
    return [row for row in rows if not row.is_empty]


def stated(rows: Sequence[WeightRow], classes: Sequence[str]) -> list[StatedWeight]:
    """Return the rows as weights; raise InvalidInput for one that is none."""
    if len(rows) > STRATEGY_WEIGHTS_MAX:
        raise InvalidInput(
            f"Too many weights. A strategy has at most {STRATEGY_WEIGHTS_MAX}.",
            code="too_many_rows",
        )
    return [_stated(row, classes) for row in rows]


def sum_of(rows: Sequence[WeightRow]) -> Decimal:
    """Return the sum of what can be read."""
    return sum((row.share or Decimal(0) for row in rows), Decimal(0))


def is_whole(rows: Sequence[WeightRow]) -> bool:
    """Return whether the rows sum to exactly 100."""
    return sum_of(rows) == _HUNDRED


def percentage(text: str) -> Decimal | None:
    """Return a typed percentage from 0 to 100 with at most four decimals; None if it is none."""
    plain = text.strip().removesuffix("%").strip()
    if not (plain.isascii() and len(plain) <= 12 and "_" not in plain):
        return None
    try:
        value = Decimal(plain)
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 <= value <= _HUNDRED:
        return None
    return value if value == value.quantize(_FOUR_DECIMALS) else None


def _stated(row: WeightRow, classes: Sequence[str]) -> StatedWeight:
    share, band = percentage(row.target), percentage(row.threshold)
    if share is None or band is None or row.kind not in THRESHOLD_KINDS:
        raise InvalidInput(
            f"The target and band of {row.name or 'a row'} must be between 0 and 100 with at most "
            "four decimals.",
            code="target_invalid",
        )
    is_class = row.name.lower() in classes and bool(row.funds)
    funds = tuple(name for name in row.funds.upper().replace(",", " ").split())
    return StatedWeight(
        symbol="" if is_class else row.name.upper(),
        asset_class=row.name.lower() if is_class else "",
        funds=funds,
        target_percentage=share,
        rebalance_threshold=band,
        threshold_kind=row.kind,
    )
