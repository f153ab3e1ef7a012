"""Comparisons as the page shows them: a line a difference, a sentence a reason. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from transactions.files.broker_lots import REASONS as LOT_REASONS
from transactions.files.comparing.causes import REASONS
from transactions.ledger.kinds import KINDS

LOTS_SHOWN_MAX = 300


class Named(Protocol):
    """What a reason says of a transaction."""

    type: str
    trade_date: Any
    quantity: Decimal | None
    cash_effect: Decimal


@dataclass(frozen=True, slots=True)
class ShownReason:
    """One reason: its sentence, its figures, and what may be done. `place`: of a form's button.

    `is_open`: it is no explanation, but says that there is none yet.
    """

    detail: str
    is_certain: bool
    is_open: bool
    units: Decimal | None
    cash: Decimal | None
    ratio: str
    symbol: str
    lines: Sequence[int]
    rows: Sequence[tuple[str, Named]]
    action: str
    place: str


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A position, or the cash, on both sides; None: that side has none."""

    name: str
    is_known: bool
    status: str
    ours: Decimal | None
    theirs: Decimal | None
    by: Decimal
    reasons: Sequence[ShownReason]
    basis: "ShownBasis | None" = None


@dataclass(frozen=True, slots=True)
class ShownBasis:
    """Cost basis on both sides, and why they differ; empty if they do not."""

    name: str
    ours: Decimal
    theirs: Decimal
    by: Decimal
    detail: str


def shown_positions(
    result: Mapping[str, Any], named: Mapping[str, Named]
) -> tuple[list[ShownLine], list[ShownLine]]:
    """Return the positions that differ, and those that match."""
    lines = [_position(place, one, named) for place, one in enumerate(result.get("positions", ()))]
    return (
        [line for line in lines if line.status != "matched"],
        [line for line in lines if line.status == "matched"],
    )


def shown_cash(result: Mapping[str, Any], named: Mapping[str, Named]) -> ShownLine | None:
    """Return the line of the cash; None if the file does not state it."""
    cash = result.get("cash")
    if not cash:
        return None
    reasons = [_reason(one, f"-1:{place}", named) for place, one in enumerate(cash["reasons"])]
    return ShownLine(
        "Cash",
        True,
        cash["status"],
        Decimal(cash["ours"]),
        Decimal(cash["theirs"]),
        Decimal(cash["by"]),
        reasons,
    )


def shown_basis(lines: Sequence[ShownLine]) -> list[ShownBasis]:
    """Return the costs that differ."""
    return [line.basis for line in lines if line.basis is not None and line.basis.by]


def _position(place: int, one: Mapping[str, Any], named: Mapping[str, Named]) -> ShownLine:
    name = one["symbol"] or one["key"]
    basis = one.get("basis")
    return ShownLine(
        name=name,
        is_known=one["symbol"] is not None,
        status=one["status"],
        ours=_figure(one["ours"]),
        theirs=_figure(one["theirs"]),
        by=Decimal(one["by"]),
        reasons=[
            _reason(reason, f"{place}:{number}", named)
            for number, reason in enumerate(one["reasons"])
        ],
        basis=None
        if basis is None
        else ShownBasis(
            name,
            Decimal(basis["ours"]),
            Decimal(basis["theirs"]),
            Decimal(basis["by"]),
            REASONS[basis["reason"]] if basis["reason"] else "",
        ),
    )


def _reason(one: Mapping[str, Any], place: str, named: Mapping[str, Named]) -> ShownReason:
    rows = [
        (KINDS[row.type].label, row)
        for name in one["transaction_ids"]
        if (row := named.get(name)) is not None
    ]
    proposal = one["proposal"]
    return ShownReason(
        detail=REASONS[one["code"]],
        is_certain=one["certain"],
        is_open=one["code"] in ("unexplained", "security_unknown"),
        units=_figure(one["units"]),
        cash=_figure(one["cash"]),
        ratio=one["ratio"] or "",
        symbol=one["symbol"] or "",
        lines=one["lines"],
        rows=rows,
        action=proposal["action"] if proposal else "",
        place=place,
    )


def _figure(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@dataclass(frozen=True, slots=True)
class ShownLots:
    """Related realized lots of both sides, with their totals."""

    symbol: str
    status: str
    closed: str
    quantity: Decimal
    ours: Mapping[str, Decimal] | None
    theirs: Mapping[str, Decimal] | None
    details: Sequence[str]


def shown_lots(result: Mapping[str, Any]) -> list[ShownLots]:
    """Return the lots that differ, at most `LOTS_SHOWN_MAX`."""
    lines = [line for line in result.get("lines", ()) if line["status"] != "matched"]
    return [_lots(line) for line in lines[:LOTS_SHOWN_MAX]]


def _lots(line: Mapping[str, Any]) -> ShownLots:
    rows = line["ours"] or line["theirs"]
    return ShownLots(
        symbol=line["symbol"],
        status=line["status"],
        closed=rows[0]["closed_date"] or "",
        quantity=sum((Decimal(row["quantity"]) for row in rows), Decimal(0)),
        ours=_summed(line["ours"]),
        theirs=_summed(line["theirs"]),
        details=[LOT_REASONS[code] for code in line["reasons"]],
    )


def _summed(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Decimal] | None:
    if not rows:
        return None
    return {
        name: sum((Decimal(row[name]) for row in rows), Decimal(0))
        for name in ("proceeds", "cost_basis", "disallowed_loss")
    }
