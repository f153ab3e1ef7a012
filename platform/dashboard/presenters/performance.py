"""The figures the performance page shows, and their order. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from dashboard.presenters.figures import currency_decimals
from portfolios.performance.answer import Answer, Bridge, Fall

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# The word in the query, the text on the page, and the text for screen readers.
RANGES = (
    ("1m", "1M", "1 month"),
    ("ytd", "YTD", "Year to date"),
    ("1y", "1Y", "1 year"),
    ("3y", "3Y", "3 years"),
    ("all", "All", "Since the first transaction"),
)
# The width of a chart in points; longer series are drawn at intervals of several days.
POINTS_MAX = 1500
_YEAR_DAYS = 365
# Shades of the months: below 1 %, below 4 %, and the rest.
_SHADES = (Decimal("0.01"), Decimal("0.04"))
_GROUPS: Sequence[tuple[str, Sequence[tuple[str, str]]]] = (
    (
        "Return",
        (
            ("time_weighted_return", "Time-weighted"),
            ("time_weighted_return_annualized", "Time-weighted, annualized"),
            ("money_weighted_return", "Money-weighted"),
            ("money_weighted_return_annualized", "Money-weighted, annualized (XIRR)"),
        ),
    ),
    (
        "Benchmark",
        (
            ("benchmark_return", "Benchmark"),
            ("benchmark_return_annualized", "Benchmark, annualized"),
            ("excess_return", "Above the benchmark"),
        ),
    ),
    (
        "Risk",
        (
            ("volatility", "Volatility, annualized"),
            ("max_drawdown", "Maximum drawdown"),
            ("sharpe_ratio", "Sharpe ratio, annualized"),
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
    ("initial_value", "Starting value", ""),
    ("gains", "Price gains", "+"),
    ("income", "Dividends and interest", "+"),
    ("net_transfers", "Net deposits", "+"),
    ("fees", "Fees", "-"),
    ("taxes", "Taxes withheld", "-"),
    ("currency_effect", "Exchange rates", "+"),
    ("final_value", "Ending value", "="),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: a percentage, a plain number, or the reason why it is absent."""

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
    """A term of the sum from the starting value to the ending value."""

    label: str
    sign: str
    amount: Decimal

    @property
    def added(self) -> Decimal:
        """The amount with its sign in the sum."""
        return -self.amount if self.sign == "-" else self.amount


def begin(name: str, today: date) -> date | None:
    """Return the first day of a range that ends today; None means since the first transaction."""
    if name == "1m":
        return _months_before(today, 1) + timedelta(days=1)
    if name == "ytd":
        return today.replace(month=1, day=1)
    if name in ("1y", "3y"):
        return _months_before(today, 12 * int(name[0])) + timedelta(days=1)
    return None


def _months_before(day: date, months: int) -> date:
    """Return the same day so many months before, or the last day of that month."""
    number = day.year * 12 + day.month - 1 - months
    year, month = number // 12, number % 12 + 1
    following = date(year + month // 12, month % 12 + 1, 1)
    return min(date(year, month, 1) + timedelta(days=day.day - 1), following - timedelta(days=1))


def groups(found: Answer) -> list[tuple[str, list[Figure]]]:
    """Return the figures under their headings, without headings that are empty here."""
    made = []
    for heading, names in _GROUPS:
        if heading == "Benchmark" and found.benchmark is None:
            continue
        if heading == "Currency" and not found.figures["currency_return"]:
            continue
        figures = [_figure(name, label, found) for name, label in names]
        if heading == "Benchmark":
            figures[0] = replace(figures[0], label=str(found.benchmark))
            figures[1] = replace(figures[1], label=f"{found.benchmark}, annualized")
        made.append((heading, figures))
    return made


def _figure(name: str, label: str, found: Answer) -> Figure:
    value, reason = found.figures[name], found.reasons.get(name)
    if name == "time_weighted_return_annualized" and value is None and _is_a_year(found):
        # Beside the rate of the money-weighted return, which a year has, too.
        value = found.figures["time_weighted_return"]
    if name == "money_weighted_return_annualized" and found.days < _YEAR_DAYS:
        return Figure(
            label, reason="The period is shorter than a year, so no yearly rate is shown."
        )
    if value is None:
        return Figure(label, reason=reason.detail if reason else "")
    if name == "sharpe_ratio":
        return Figure(label, ratio=value, note=f"over {found.risk_free_series}")
    toned = name not in ("volatility", "max_drawdown")
    note = _fall(found.drawdown) if name == "max_drawdown" else ""
    return Figure(label, percentage=value * 100, note=note, toned=toned)


def _is_a_year(found: Answer) -> bool:
    return found.days in (_YEAR_DAYS, _YEAR_DAYS + 1)


def _fall(drawdown: Fall | None) -> str:
    """Return the start of the drawdown, and the day of its recovery."""
    if drawdown is None or drawdown.depth == 0:
        return ""
    if drawdown.recovery_date is None:
        since, lowest = drawdown.peak_date, drawdown.trough_date
        return f"since {since}, lowest on {lowest}, not recovered"
    return f"{drawdown.peak_date} to {drawdown.recovery_date}"


def months(found: Answer) -> list[dict[str, object]]:
    """Return one row per year, the newest first."""
    return [
        {
            "year": one.year,
            "months": [_month(*pair) for pair in zip(MONTHS, one.months, strict=True)],
            "total": _month("Year", one.year_return),
        }
        for one in reversed(found.years)
    ]


def _month(label: str, value: Decimal | None) -> Month:
    if value is None:
        return Month(label, None, "none")
    size = 1 + sum(abs(value) >= edge for edge in _SHADES)
    sign = "up" if value > 0 else "down"
    return Month(label, value * 100, f"{sign}-{size}" if value else "zero")


def steps(bridge: Bridge | None) -> list[Step]:
    """Return the terms of the reconciliation in order, without those that are zero."""
    if bridge is None:
        return []
    made = [Step(label, sign, getattr(bridge, name)) for name, label, sign in _STEPS]
    return [step for step in made if step.amount or step.sign in ("", "=")]


def contributions(found: Answer) -> list[dict[str, object]]:
    """Return the part of each holding; contributions in percentage points."""
    return [
        {
            "symbol": one.symbol,
            "name": one.name,
            "gain": one.gain,
            "price_gain": one.price_gain,
            "income": one.income,
            "currency_effect": one.currency_effect,
            "deducted": one.fees + one.taxes,
            "points": None if one.contribution is None else one.contribution * 100,
        }
        for one in found.contributions
    ]


def whole(found: Answer) -> dict[str, Decimal | None]:
    """Return the last row of the contributions: their sum."""
    bridge, twr = found.reconciliation, found.figures["time_weighted_return"]
    if bridge is None:
        return {}
    return {
        "gain": bridge.gain,
        "price_gain": bridge.gains,
        "income": bridge.income,
        "currency_effect": bridge.currency_effect,
        "deducted": bridge.fees + bridge.taxes,
        "points": None if twr is None else twr * 100,
    }


def chart(found: Answer) -> dict[str, object]:
    """Return columns for the script: days, values, paid in, growth of both in percent."""
    series = found.series
    every = -(-len(series.days) // POINTS_MAX) or 1
    # Counted back from the end, so that the last day is always there.
    points = slice((len(series.days) - 1) % every if series.days else 0, None, every)
    before = float(found.figures["initial_value"] or 0)
    places = currency_decimals(found.currency)
    beside = series.benchmark_index or (None,) * len(series.days)
    return {
        "days": [day.isoformat() for day in series.days[points]],
        "values": [
            None if value is None else round(value, places) for value in series.values[points]
        ],
        "paid": [round(before + net, places) for net in series.net_transfers[points]],
        "growth": [_growth(value) for value in series.index[points]],
        "benchmark": [_growth(value) for value in beside[points]],
        "benchmark_name": found.benchmark,
    }


def _growth(value: float | None) -> float | None:
    """Return growth of 1 as a percentage gain."""
    return None if value is None else round((value - 1) * 100, 8)
