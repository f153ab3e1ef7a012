"""The performance page out of the answer of the API: what is shown, in which order. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# What the query says, what the page shows, what is read out.
RANGES = (
    ("1m", "1M", "1 month"),
    ("ytd", "YTD", "Year to date"),
    ("1y", "1Y", "1 year"),
    ("3y", "3Y", "3 years"),
    ("all", "All", "All, since the first transaction"),
)
# A chart is not wider than this; longer series are drawn every so many days.
POINTS_MAX = 1500
# Shades of the months: below 1 %, below 4 %, and the rest.
_SHADES = (Decimal("0.01"), Decimal("0.04"))
_GROUPS: Sequence[tuple[str, Sequence[tuple[str, str]]]] = (
    (
        "Return",
        (
            ("time_weighted_return", "Time-weighted"),
            ("annualized_time_weighted_return", "Time-weighted, a year"),
            ("money_weighted_return_of_period", "Money-weighted"),
            ("money_weighted_return", "Money-weighted, a year (XIRR)"),
        ),
    ),
    (
        "Benchmark",
        (
            ("benchmark_return", "Benchmark"),
            ("annualized_benchmark_return", "Benchmark, a year"),
            ("excess_return", "Above the benchmark"),
        ),
    ),
    (
        "Risk",
        (
            ("volatility", "Volatility, a year"),
            ("max_drawdown", "Deepest drawdown"),
            ("sharpe_ratio", "Sharpe ratio"),
        ),
    ),
    (
        "Currency",
        (
            ("local_return", "In local currencies"),
            ("currency_return", "By exchange rates"),
        ),
    ),
)
_STEPS = (
    ("initial_value", "Value before", ""),
    ("gains", "Price gains", "+"),
    ("income", "Dividends and interest", "+"),
    ("net_transfers", "Paid in less paid out", "+"),
    ("fees", "Fees", "-"),
    ("taxes", "Taxes withheld", "-"),
    ("currency_effect", "Exchange rates", "+"),
    ("final_value", "Value at the end", "="),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: a percentage or a plain number, or why there is none."""

    label: str
    percentage: Decimal | None = None
    ratio: Decimal | None = None
    reason: str = ""
    note: str = ""
    toned: bool = False


@dataclass(frozen=True, slots=True)
class Month:
    """A cell of the table of months; `shade` from -3 (fell most) to 3."""

    label: str
    percentage: Decimal | None
    shade: str


@dataclass(frozen=True, slots=True)
class Step:
    """A term of the sum that leads from the value before to the value at the end."""

    label: str
    sign: str
    amount: Decimal

    @property
    def added(self) -> Decimal:
        """With the sign it has in the sum."""
        return -self.amount if self.sign == "-" else self.amount


def begin(name: str, today: date) -> date | None:
    """The first day of a range that ends today; None: since the first transaction."""
    if name == "1m":
        return _months_before(today, 1) + timedelta(days=1)
    if name == "ytd":
        return today.replace(month=1, day=1)
    if name in ("1y", "3y"):
        return _months_before(today, 12 * int(name[0])) + timedelta(days=1)
    return None


def _months_before(day: date, months: int) -> date:
    """The same day so many months before, or that month's last."""
    number = day.year * 12 + day.month - 1 - months
    year, month = number // 12, number % 12 + 1
    following = date(year + month // 12, month % 12 + 1, 1)
    return min(date(year, month, 1) + timedelta(days=day.day - 1), following - timedelta(days=1))


def groups(row: Mapping[str, Any]) -> list[tuple[str, list[Figure]]]:
    """Figures under their headings; a heading without a figure that is asked for is left out."""
    found = []
    for heading, names in _GROUPS:
        if heading == "Benchmark" and row["benchmark"] is None:
            continue
        if heading == "Currency" and row["currency_return"] in ("0", None):
            continue
        figures = [_figure(name, label, row) for name, label in names]
        if heading == "Benchmark":
            figures[0] = replace(figures[0], label=row["benchmark"])
            figures[1] = replace(figures[1], label=f"{row['benchmark']}, a year")
        found.append((heading, figures))
    return found


def _figure(name: str, label: str, row: Mapping[str, Any]) -> Figure:
    text, reason = row[name], row["reasons"].get(name, {}).get("detail", "")
    if text is None:
        return Figure(label, reason=reason)
    if name == "sharpe_ratio":
        return Figure(label, ratio=Decimal(text), note=f"over {row['risk_free_series']}")
    toned = name not in ("volatility", "max_drawdown")
    note = _fall(row["drawdown"]) if name == "max_drawdown" else ""
    return Figure(label, percentage=Decimal(text) * 100, note=note, toned=toned)


def _fall(drawdown: Mapping[str, Any] | None) -> str:
    """When it began, and whether it is made up for."""
    if drawdown is None or Decimal(drawdown["depth"]) == 0:
        return ""
    if drawdown["recovery_date"] is None:
        return f"since {drawdown['peak_date']}, lowest on {drawdown['trough_date']}, not made up"
    return f"{drawdown['peak_date']} to {drawdown['recovery_date']}"


def months(row: Mapping[str, Any]) -> list[dict[str, object]]:
    """A row a year, the newest first."""
    return [
        {
            "year": one["year"],
            "months": [_month(*pair) for pair in zip(MONTHS, one["months"], strict=True)],
            "total": _month("Year", one["year_return"]),
        }
        for one in reversed(row["months"])
    ]


def _month(label: str, text: str | None) -> Month:
    if text is None:
        return Month(label, None, "none")
    value = Decimal(text)
    size = 1 + sum(abs(value) >= edge for edge in _SHADES)
    sign = "up" if value > 0 else "down"
    return Month(label, value * 100, f"{sign}-{size}" if value else "zero")


def steps(row: Mapping[str, Any]) -> list[Step]:
    """The terms of the reconciliation in order; terms that are nothing are left out."""
    found = row["reconciliation"]
    if found is None:
        return []
    made = [Step(label, sign, Decimal(found[name])) for name, label, sign in _STEPS]
    return [step for step in made if step.amount or step.sign in ("", "=")]


def contributions(row: Mapping[str, Any]) -> list[dict[str, object]]:
    """What each holding gave; contributions in percentage points."""
    return [
        {
            **one,
            "deducted": Decimal(one["fees"]) + Decimal(one["taxes"]),
            "points": None if one["contribution"] is None else Decimal(one["contribution"]) * 100,
        }
        for one in row["contributions"]
    ]


def whole(row: Mapping[str, Any]) -> dict[str, Decimal | None]:
    """The last row of the contributions: what all of them are together."""
    terms = {name: Decimal(text) for name, text in (row["reconciliation"] or {}).items()}
    if not terms:
        return {}
    deducted = terms["fees"] + terms["taxes"]
    twr = row["time_weighted_return"]
    return {
        "gain": terms["gains"] + terms["income"] + terms["currency_effect"] - deducted,
        "price_gain": terms["gains"],
        "income": terms["income"],
        "currency_effect": terms["currency_effect"],
        "deducted": deducted,
        "points": None if twr is None else Decimal(twr) * 100,
    }


def chart(row: Mapping[str, Any]) -> dict[str, object]:
    """Columns for the script: days, values, what was paid in, growth here and of the benchmark."""
    series = row["series"]
    every = -(-len(series) // POINTS_MAX) or 1
    points = series[::-1][::every][::-1]  # the last day always
    before = Decimal(row["initial_value"] or 0)
    return {
        "days": [point["date"] for point in points],
        "values": [_number(point["value"]) for point in points],
        "paid": [float(before + Decimal(point["net_transfers"])) for point in points],
        "growth": [_growth(point["index"]) for point in points],
        "benchmark": [_growth(point["benchmark_index"]) for point in points],
        "benchmark_name": row["benchmark"],
    }


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _growth(text: str | None) -> float | None:
    """Growth of 1 as a percentage gained."""
    return None if text is None else float((Decimal(text) - 1) * 100)
