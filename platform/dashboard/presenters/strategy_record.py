"""What the pages of strategies show of a record and of a backtest. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from portfolios.performance.figures import Figure, rounded
from recommendations.queries.strategy_figures import Run, StrategyFigures
from recommendations.strategies.figures import Figures, Point

# The width of a chart in points.
POINTS_MAX = 1500
WINDOWS = (
    ("ytd", "Year to date"),
    ("1y", "1 year"),
    ("3y", "3 years"),
    ("5y", "5 years"),
    ("whole", "All of it"),
)
_RISKS = (
    ("volatility", "Volatility, annualized", False),
    ("sharpe", "Sharpe ratio", True),
    ("max_drawdown", "Maximum drawdown", False),
    ("turnover", "Turnover a year", False),
    ("cost", "Trading costs a year", False),
    ("tax_drag", "Tax drag", False),
)
# For whom a risk profile is; the words of the questionnaire's profiles.
SUITS: Mapping[str, str] = {
    "conservative": "For money that is needed within a few years, where small losses matter more "
    "than growth.",
    "moderate": "For money that is needed in about five years, with losses that stay small in most "
    "years.",
    "balanced": "For five to ten years, and for people who can wait out a fall of a fifth.",
    "growth": "For ten years and more, and for people who stay invested when a third is gone.",
    "aggressive": "For money that is not needed for a long time, and for people who bear the loss "
    "of half of it.",
}


@dataclass(frozen=True, slots=True)
class WindowShown:
    """A return, the benchmark's, and the reason where there is none; in percent."""

    label: str
    since: date | None
    percentage: Decimal | None
    annualized: Decimal | None
    benchmark: Decimal | None
    reason: str


@dataclass(frozen=True, slots=True)
class RiskShown:
    """A figure in percent or as a ratio, or the reason why there is none."""

    label: str
    percentage: Decimal | None
    ratio: Decimal | None
    reason: str


def windows(found: Figures) -> list[WindowShown]:
    """Return the returns in the order of the page."""
    shown = []
    for name, label in WINDOWS:
        one = found.window(name)
        reason = one.value.reason
        shown.append(
            WindowShown(
                label,
                one.since,
                _percentage(one.value),
                _percentage(one.annualized),
                _percentage(one.benchmark),
                reason.detail if reason else "",
            )
        )
    return shown


def risks(found: Figures) -> list[RiskShown]:
    """Return the figures of risk and cost in the order of the page."""
    shown = []
    for name, label, is_ratio in _RISKS:
        figure: Figure = getattr(found, name)
        value = None if figure.value is None else rounded(figure.value)
        shown.append(
            RiskShown(
                label,
                None if is_ratio or value is None else value * 100,
                value if is_ratio else None,
                figure.reason.detail if figure.reason else "",
            )
        )
    return shown


def _percentage(figure: Figure) -> Decimal | None:
    return None if figure.value is None else rounded(figure.value) * 100


def chart(points: Sequence[Point], *, benchmark: str | None, name: str) -> str:
    """Return the data of a chart: growth in percent since the first day."""
    every = max(1, -(-len(points) // POINTS_MAX))
    # The last day is always drawn.
    kept = [*reversed(list(reversed(points))[::every])]
    beside = [one.benchmark for one in kept]
    known = benchmark is not None and any(value is not None for value in beside)
    return json.dumps(
        {
            "days": [one.day.isoformat() for one in kept],
            "lines": [
                {"name": name, "values": [_grown(one.value) for one in kept]},
                *(
                    [{"name": benchmark, "values": [_grown(value) for value in beside]}]
                    if known
                    else []
                ),
            ],
        }
    )


def chart_beside(records: Sequence[tuple[str, Sequence[Point]]]) -> str:
    """Return the data of a chart of several records, each from 0 on the first day of all."""
    starts = [points[0].day for _, points in records if points]
    if not starts:
        return ""
    first = max(starts)
    days = sorted({one.day for _, points in records for one in points if one.day >= first})
    every = max(1, -(-len(days) // POINTS_MAX))
    days = [*reversed(list(reversed(days))[::every])]
    lines = []
    for name, points in records:
        by_day = {one.day: one.value for one in points}
        base = next((one.value for one in points if one.day >= first), None)
        values = [
            None if base is None or day not in by_day else _grown(by_day[day] / base)
            for day in days
        ]
        lines.append({"name": name, "values": values})
    return json.dumps({"days": [day.isoformat() for day in days], "lines": lines})


def _grown(value: float | None) -> float | None:
    return None if value is None else round((value - 1.0) * 100.0, 6)


@dataclass(frozen=True, slots=True)
class ColumnShown:
    """One strategy of a comparison; without a record it has no run."""

    strategy: Any
    currency: str | None
    run: Run | None


@dataclass(frozen=True, slots=True)
class CellShown:
    """A figure of a comparison: in percent, as a ratio, or the reason why it is absent."""

    percentage: Decimal | None
    ratio: Decimal | None
    reason: str
    toned: bool


@dataclass(frozen=True, slots=True)
class RowShown:
    """One figure of all compared strategies."""

    label: str
    cells: Sequence[CellShown]


def compared(found: Sequence[tuple[Any, StrategyFigures]]) -> list[ColumnShown]:
    """Return the columns of a comparison."""
    return [ColumnShown(strategy, one.currency, one.record) for strategy, one in found]


def compared_rows(columns: Sequence[ColumnShown]) -> list[RowShown]:
    """Return the figures of a comparison, each over the days of its own record."""
    rows = []
    for name, label in WINDOWS:
        cells = [
            _cell(one.run.figures.window(name).value if one.run else None, toned=True)
            for one in columns
        ]
        rows.append(RowShown("Since publication" if name == "whole" else label, cells))
    for name, label, is_ratio in _RISKS:
        cells = [
            _cell(getattr(one.run.figures, name) if one.run else None, is_ratio=is_ratio)
            for one in columns
        ]
        rows.append(RowShown(label, cells))
    return rows


def _cell(figure: Figure | None, *, is_ratio: bool = False, toned: bool = False) -> CellShown:
    if figure is None:
        return CellShown(None, None, "There is no record yet.", toned=False)
    if figure.value is None:
        return CellShown(None, None, figure.reason.detail if figure.reason else "", toned=False)
    value = rounded(figure.value)
    return CellShown(None if is_ratio else value * 100, value if is_ratio else None, "", toned)
