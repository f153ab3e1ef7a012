"""Performance figures to show: rounded, in order, with the reason for each missing one. Pure.

Returns and rates are fractions to ten decimals, money is in minor units. The API renders these
values as text, the pages draw them; neither computes.

    ..._return               of the period
    ..._return_annualized    the same per year. A chained return has one above one year only (GIPS
                             2.A.7); the money-weighted return is solved as one, so it always has
    volatility, sharpe_ratio per year (252 sessions), whatever the period
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from core.limits import HISTORY_RECORDS_MAX
from core.money import quantize
from portfolios.performance.contribution import to_the_whole
from portfolios.performance.figures import Figure, Reason, rounded
from portfolios.performance.period import FIGURES, MONEY_FIGURES, Estimated, Performance, Warned
from portfolios.performance.value_bridge import columns_in_cents, in_cents


@dataclass(frozen=True, slots=True)
class Fall:
    """The deepest drawdown; `recovery_date` is None while it lasts."""

    depth: Decimal
    peak_date: date
    trough_date: date
    recovery_date: date | None
    length_days: int


@dataclass(frozen=True, slots=True)
class Bridge:
    """From the value before to the value at the end, term by term, in minor units."""

    initial_value: Decimal
    gains: Decimal
    income: Decimal
    net_transfers: Decimal
    fees: Decimal
    taxes: Decimal
    currency_effect: Decimal
    final_value: Decimal

    @property
    def gain(self) -> Decimal:
        """What was earned: everything but transfers."""
        earned = self.gains + self.income + self.currency_effect
        return earned - self.fees - self.taxes


@dataclass(frozen=True, slots=True)
class Contribution:
    """One holding's part in the gain and in the return; `symbol` None is cash."""

    symbol: str | None
    name: str
    gain: Decimal
    price_gain: Decimal
    income: Decimal
    fees: Decimal
    taxes: Decimal
    currency_effect: Decimal
    contribution: Decimal | None


@dataclass(frozen=True, slots=True)
class Year:
    """Returns of twelve months (None: outside the period, or without a return) and of the year."""

    year: int
    months: tuple[Decimal | None, ...]
    year_return: Decimal | None


@dataclass(frozen=True, slots=True)
class Columns:
    """The days as columns of equal length; `every` days lie between two of them."""

    every: int
    days: tuple[date, ...]
    values: tuple[float | None, ...]
    net_transfers: tuple[float, ...]
    index: tuple[float | None, ...]
    benchmark_index: tuple[float | None, ...] | None


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything that is shown of a period. Each figure that is None has a reason by its name."""

    currency: str
    from_date: date
    to_date: date
    measured_from: date
    days: int
    figures: dict[str, Decimal | None]
    reasons: dict[str, Reason]
    drawdown: Fall | None
    risk_free_series: str | None
    benchmark: str | None
    reconciliation: Bridge | None
    years: tuple[Year, ...]
    contributions: tuple[Contribution, ...]
    series: Columns
    warnings: tuple[Warned, ...]
    estimates: tuple[Estimated, ...] = ()


def answer(found: Performance) -> Answer:
    """Return what is shown of a computed performance."""
    question = found.question
    bridge = _bridge(found)
    series = _series(found, bridge)
    return Answer(
        currency=question.currency,
        from_date=question.from_date,
        to_date=question.to_date,
        measured_from=found.series.day(found.series.base),
        days=found.series.days,
        figures=_figures(found, bridge),
        reasons=_reasons(found, series),
        drawdown=_fall(found),
        risk_free_series=question.risk_free.name if question.risk_free else None,
        benchmark=question.benchmark.symbol if question.benchmark else None,
        reconciliation=bridge,
        years=tuple(
            Year(one.year, tuple(_rounded(value) for value in one.months), _rounded(one.total))
            for one in found.months
        ),
        contributions=_contributions(found),
        series=series,
        warnings=tuple(found.warnings),
        estimates=tuple(found.estimates),
    )


def _rounded(value: float | None) -> Decimal | None:
    return None if value is None else rounded(value)


def _figures(found: Performance, bridge: Bridge | None) -> dict[str, Decimal | None]:
    currency = found.question.currency
    figures: dict[str, Decimal | None] = {}
    for name in FIGURES:
        value = found.figures[name].value
        if name in MONEY_FIGURES:
            figures[name] = None if value is None else _money(value, currency)
        elif name != "reconciliation":
            figures[name] = _rounded(value)
    if bridge is not None:
        # One value, one figure: what is reconciled is what is shown.
        figures["initial_value"] = bridge.initial_value
        figures["final_value"] = bridge.final_value
    return figures


def _money(value: float, currency: str) -> Decimal:
    return quantize(Decimal(repr(value)), currency) + 0  # no negative zero


def _reasons(found: Performance, series: Columns) -> dict[str, Reason]:
    """Return why figures are absent; figures of a benchmark nobody asked for are left out."""
    asked = found.question.benchmark is not None
    reasons = {
        name: figure.reason
        for name, figure in found.figures.items()
        if figure.reason is not None and (asked or figure.reason.code != "no_benchmark")
    }
    twr = found.figures["time_weighted_return"].reason
    if twr is not None:
        # A day or month without a return, and a day without a value, are null for this reason.
        reasons["months"] = twr
        if None in series.values or None in series.index:
            reasons["series"] = twr
    if "max_drawdown" in reasons:
        reasons["drawdown"] = reasons["max_drawdown"]
    return reasons


def _fall(found: Performance) -> Fall | None:
    fall = found.drawdown
    if fall is None or found.figures["max_drawdown"].value is None:
        return None
    return Fall(
        depth=rounded(fall.depth),
        peak_date=fall.peak_date,
        trough_date=fall.trough_date,
        recovery_date=fall.recovery_date,
        length_days=fall.length_days,
    )


def _bridge(found: Performance) -> Bridge | None:
    if found.whole is None:
        return None
    cents = in_cents(found.terms.values(), found.question.currency)
    return Bridge(
        initial_value=cents["initial"],
        gains=cents["gains"],
        income=cents["income"],
        net_transfers=cents["transfers"],
        fees=cents["fees"],
        taxes=cents["taxes"],
        currency_effect=cents["currency"],
        final_value=cents["final"],
    )


def _contributions(found: Performance) -> tuple[Contribution, ...]:
    """Return the holdings, the largest gain or loss first, cash last.

    Money sums to the reconciliation, parts of the return sum to the return.
    """
    if found.whole is None:
        return ()
    currency = found.question.currency
    columns = columns_in_cents(found.terms, in_cents(found.terms.values(), currency), currency)
    shares = _shares(found)
    rows = [_contribution(found, key, column, shares.get(key)) for key, column in columns.items()]
    return tuple(sorted(rows, key=_largest_first))


def _shares(found: Performance) -> Mapping[int | None, Decimal]:
    twr: Figure = found.figures["time_weighted_return"]
    if twr.value is None:
        return {}
    keys = list(found.terms)
    parts = to_the_whole([found.contributions.get(key, 0.0) for key in keys], twr.value)
    return dict(zip(keys, parts, strict=True))


def _contribution(
    found: Performance, key: int | None, column: Mapping[str, Decimal], share: Decimal | None
) -> Contribution:
    line = found.question.lines.get(key) if key is not None else None
    earned = column["gains"] + column["income"] + column["currency"]
    return Contribution(
        symbol=line.symbol if line else None,
        name=line.name if line else "Cash",
        gain=earned - column["fees"] - column["taxes"],
        price_gain=column["gains"],
        income=column["income"],
        fees=column["fees"],
        taxes=column["taxes"],
        currency_effect=column["currency"],
        contribution=share,
    )


def _largest_first(row: Contribution) -> tuple[bool, Decimal, str]:
    return row.symbol is None, -abs(row.gain), row.symbol or ""


def _series(found: Performance, bridge: Bridge | None) -> Columns:
    """Return every day from the base on, or every so many where those were too many rows."""
    series = found.series
    count = len(series.values) - series.base
    every = -(-count // HISTORY_RECORDS_MAX)
    # Counted back from the end, so that the last day is always there.
    picked = slice(series.base + (count - 1) % every, None, every)
    numbers = range(*picked.indices(len(series.values)))
    net = (series.inflows - series.outflows).cumsum()
    growth = found.benchmark
    values = _known(series.values[picked].tolist())
    if bridge is not None:
        # One value, one figure: the last day is the value that is reconciled.
        values = (*values[:-1], float(bridge.final_value))
    return Columns(
        every=every,
        days=tuple(series.first + timedelta(days=number) for number in numbers),
        values=values,
        net_transfers=tuple(net[picked].tolist()),
        index=_known(series.index[picked].tolist()),
        benchmark_index=None if growth is None else _known(growth[picked].tolist()),
    )


def _known(values: list[float]) -> tuple[float | None, ...]:
    return tuple(None if math.isnan(value) else value for value in values)
