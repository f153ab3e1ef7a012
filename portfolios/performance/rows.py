"""Performance in the words of the API: figures as text, absent ones null with a reason. Pure."""

import math
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from core.limits import HISTORY_RECORDS_MAX
from core.money import minor_unit, plain
from portfolios.performance.contribution import to_the_whole
from portfolios.performance.figures import Figure, fraction, reasons
from portfolios.performance.period import FIGURES, Performance
from portfolios.performance.value_bridge import columns_in_cents, in_cents

_MONEY = ("initial_value", "final_value")


def performance_row(found: Performance) -> dict[str, object]:
    """The whole answer but for whose it is."""
    question = found.question
    figures = dict(found.figures)
    row: dict[str, object] = {
        "currency": question.currency,
        "from": question.from_date.isoformat(),
        "to": question.to_date.isoformat(),
        "measured_from": found.series.day(found.series.base).isoformat(),
        "days": found.series.days,
    }
    for name in FIGURES:
        if name == "reconciliation":
            continue
        value = figures[name].value
        if name in _MONEY:
            row[name] = None if value is None else _money(value, question.currency)
        else:
            row[name] = fraction(value)
    row["drawdown"] = _drawdown(found)
    row["risk_free_series"] = question.risk_free.name if question.risk_free else None
    row["benchmark"] = question.benchmark.symbol if question.benchmark else None
    row["reconciliation"] = _reconciliation(found, row)
    months: list[dict[str, object]] = [
        {
            "year": one.year,
            "months": [fraction(value) for value in one.months],
            "year_return": fraction(one.total),
        }
        for one in found.months
    ]
    row["months"] = months
    row["contributions"] = _contributions(found)
    row["series"], row["series_interval_days"] = _series(found)
    row["reasons"] = reasons(_asked(figures, question.benchmark is not None))
    row["warnings"] = [
        {"code": one.code, "symbol": one.symbol, "detail": one.detail} for one in found.warnings
    ]
    return row


def _asked(figures: Mapping[str, Figure], benchmark: bool) -> dict[str, Figure]:
    """All figures but those of a benchmark nobody asked for."""
    return {
        name: figure
        for name, figure in figures.items()
        if benchmark or figure.reason is None or figure.reason.code != "no_benchmark"
    }


def _money(value: float, currency: str) -> str:
    places = _places(currency)
    text = f"{value:.{places}f}"
    return text.lstrip("-") if not text.strip("-0.") else text


def _places(currency: str) -> int:
    return max(0, -int(minor_unit(currency).as_tuple().exponent))


def _drawdown(found: Performance) -> dict[str, object] | None:
    fall = found.drawdown
    if fall is None or found.figures["max_drawdown"].value is None:
        return None
    return {
        "depth": fraction(fall.depth),
        "peak_date": fall.peak_date.isoformat(),
        "trough_date": fall.trough_date.isoformat(),
        "recovery_date": fall.recovery_date.isoformat() if fall.recovery_date else None,
        "length_days": fall.length_days,
    }


def _reconciliation(found: Performance, row: dict[str, object]) -> dict[str, object] | None:
    if found.whole is None:
        return None
    cents = in_cents(found.whole, found.question.currency)
    # One value, one figure: what is reconciled is what is shown.
    row["initial_value"], row["final_value"] = f"{cents['initial']:f}", f"{cents['final']:f}"
    return {
        "initial_value": f"{cents['initial']:f}",
        "gains": f"{cents['gains']:f}",
        "income": f"{cents['income']:f}",
        "net_transfers": f"{cents['transfers']:f}",
        "fees": f"{cents['fees']:f}",
        "taxes": f"{cents['taxes']:f}",
        "currency_effect": f"{cents['currency']:f}",
        "final_value": f"{cents['final']:f}",
    }


def _contributions(found: Performance) -> list[dict[str, object]]:
    """By holding, the largest first, cash last; money sums to the reconciliation, parts of the
    return to the return."""
    if found.whole is None:
        return []
    currency = found.question.currency
    whole = in_cents(found.whole, currency)
    columns = columns_in_cents(found.terms, whole, currency)
    twr = found.figures["time_weighted_return"].value
    shares: dict[int | None, Decimal] = {}
    if twr is not None:
        keys = list(found.terms)
        parts = to_the_whole([found.contributions.get(key, 0.0) for key in keys], twr)
        shares = dict(zip(keys, parts, strict=True))
    rows: list[tuple[tuple[bool, Decimal, str], dict[str, object]]] = []
    for key, column in columns.items():
        gain = (
            column["gains"]
            + column["income"]
            - column["fees"]
            - column["taxes"]
            + column["currency"]
        )
        line = found.question.lines.get(key) if key is not None else None
        rows.append(
            (
                (key is None, -abs(gain), line.symbol if line else ""),
                {
                    "symbol": line.symbol if line else None,
                    "name": line.name if line else "Cash",
                    "gain": f"{gain:f}",
                    "price_gain": f"{column['gains']:f}",
                    "income": f"{column['income']:f}",
                    "fees": f"{column['fees']:f}",
                    "taxes": f"{column['taxes']:f}",
                    "currency_effect": f"{column['currency']:f}",
                    "contribution": plain(shares[key]) if key in shares else None,
                },
            )
        )
    return [row for _, row in sorted(rows, key=lambda one: one[0])]


def _series(found: Performance) -> tuple[list[dict[str, object]], int]:
    """Every day from the base on, or every so many days where that were too many rows."""
    series = found.series
    count = len(series.values) - series.base
    every = -(-count // HISTORY_RECORDS_MAX)
    numbers = range(len(series.values) - 1, series.base - 1, -every)
    currency = found.question.currency
    index = series.index
    net = (series.inflows - series.outflows).cumsum()
    growth = found.benchmark
    first = series.first
    rows: list[dict[str, object]] = []
    for number in reversed(numbers):
        value, grown = series.values[number], index[number]
        day: date = first + timedelta(days=number)
        rows.append(
            {
                "date": day.isoformat(),
                "value": None if math.isnan(value) else _money(value, currency),
                "net_transfers": _money(net[number], currency),
                "index": _index(grown),
                "benchmark_index": None if growth is None else _index(growth[number]),
            }
        )
    return rows, every


def _index(value: float) -> str | None:
    return None if math.isnan(value) else f"{value:.10f}"
