"""The drift-against-tax curve as its page shows it: rows of a table, and a line to draw. Pure.

saved   tax at the targets - tax at the point: what accepting the drift saves
line    x = drift, y = tax, both from 0 to the size of the drawing; more tax is further up
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from recommendations.drift_points import DriftPoint

WIDTH, HEIGHT = 600, 160
_MARGIN = 10
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class CurveRow:
    """One point: drift in percent, money, what it saves, and its place in the drawing."""

    drift: Decimal
    percentage: Decimal
    tax: Decimal
    cost: Decimal
    saved: Decimal
    trades: int
    x: int
    y: int


def curve_rows(points: Sequence[DriftPoint]) -> list[CurveRow]:
    """Return the rows of the curve, nearest to the targets first."""
    if not points:
        return []
    widest = max(point.drift for point in points) or Decimal(1)
    taxes = [point.tax for point in points]
    low, high = min(taxes), max(taxes)
    span = high - low or Decimal(1)
    return [
        CurveRow(
            drift=point.drift,
            percentage=point.drift * HUNDRED,
            tax=point.tax,
            cost=point.cost,
            saved=points[0].tax - point.tax,
            trades=point.trades,
            x=_MARGIN + round(point.drift / widest * (WIDTH - 2 * _MARGIN)),
            y=_MARGIN + round((high - point.tax) / span * (HEIGHT - 2 * _MARGIN)),
        )
        for point in points
    ]


def line(rows: Sequence[CurveRow]) -> str:
    """Return the points of the curve for an SVG polyline."""
    return " ".join(f"{row.x},{row.y}" for row in rows)
