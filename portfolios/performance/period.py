"""The performance of a household, an account or one holding over a period. Pure.

    facts -> history (units, cash, payments) -> board (daily values) -> effects
          -> returns, risk, contribution, currency effect, reconciliation, months

The period runs from the close of the day before `from_date` to the close of `to_date`. If nothing
was owned before, it is measured from the day of the first money. A figure that cannot be computed
is absent with a reason, never zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from portfolios.performance.contribution import (
    CurrencyEffect,
    contributions,
    currency_effect,
    flows,
)
from portfolios.performance.daily_holdings import History
from portfolios.performance.daily_prices import STALE_DAYS, daily_prices
from portfolios.performance.daily_rates import Fixings, daily_rates
from portfolios.performance.daily_values import Board, Line, board
from portfolios.performance.effects import Effects, Unknown, effects
from portfolios.performance.figures import Figure, absent
from portfolios.performance.returns import (
    Daily,
    Floats,
    YearOfReturns,
    annualized,
    by_month,
    daily,
    money_weighted,
    time_weighted,
)
from portfolios.performance.risk import Drawdown, RiskFree, deepest, sessions, sharpe, volatility
from portfolios.performance.value_bridge import Terms, terms, total
from portfolios.prices.rule import NO_MARKS


@dataclass(frozen=True, slots=True)
class Question:
    """A period in a reporting currency, of all accounts or of one asset in them."""

    past: History
    lines: Mapping[int, Line]
    fixings: Fixings
    currency: str
    from_date: date
    to_date: date
    only: int | None = None
    benchmark: Line | None = None
    risk_free: RiskFree | None = None


@dataclass(frozen=True, slots=True)
class Warned:
    """A caution about a figure that is shown all the same; `symbol` is empty for the whole."""

    code: str
    symbol: str
    detail: str


@dataclass(frozen=True, slots=True)
class Estimated:
    """A holding valued at the price of an own trade, on `days` days from the first to the last."""

    symbol: str
    from_date: date
    to_date: date
    days: int


@dataclass(frozen=True, slots=True)
class Performance:
    """The computed performance; absent figures carry their reason."""

    question: Question
    figures: Mapping[str, Figure]
    series: Daily
    months: Sequence[YearOfReturns]
    drawdown: Drawdown | None
    contributions: Mapping[int | None, float]
    terms: Mapping[int | None, Terms]
    whole: Terms | None
    # Growth of the benchmark from the base on; None without one.
    benchmark: Floats | None
    warnings: Sequence[Warned] = field(default_factory=tuple)
    estimates: Sequence[Estimated] = ()


def performance(question: Question) -> Performance:
    """Compute everything; never raise for lack of data."""
    first = question.from_date - timedelta(days=1)
    shown = board(
        past=question.past,
        lines=question.lines,
        fixings=question.fixings,
        reporting=question.currency,
        first=first.toordinal(),
        last=question.to_date.toordinal(),
        only=question.only,
    )
    whole = question.only is None
    try:
        found = effects(shown, question.past, only=question.only)
    except Unknown as unknown:
        return _unknown(question, shown, unknown.figure)
    inflows, outflows = flows(shown, found, whole=whole)
    series = daily(first=first, values=shown.values, inflows=inflows, outflows=outflows)
    figures = _figures(question, shown, series)
    parts: dict[int | None, float] = {}
    twr = figures["time_weighted_return"]
    if twr.value is not None:
        parts = contributions(shown, series, found)
    figures |= _currency_figures(
        twr, None if twr.value is None else currency_effect(shown, series, found, twr.value)
    )
    accounted, figures["reconciliation"] = _accounted(shown, found, whole)
    growth = _benchmark(question, series, figures)
    return Performance(
        question=question,
        figures=figures,
        series=series,
        months=by_month(series),
        drawdown=deepest(series),
        contributions=parts,
        terms=accounted,
        whole=None if figures["reconciliation"].value is None else total(accounted.values()),
        benchmark=growth,
        warnings=(*_warnings(question, shown), *_apart(question, series)),
        estimates=_estimates(shown),
    )


def _figures(question: Question, shown: Board, series: Daily) -> dict[str, Figure]:
    """Return returns and risk; if a value is unknown, the reason names what is missing."""
    missing = shown.missing
    observed = sessions(series, shown.priced)
    of_the_period, yearly = money_weighted(series)
    twr = time_weighted(series)
    fall = deepest(series)
    figures = {
        "time_weighted_return": twr,
        "time_weighted_return_annualized": annualized(twr, days=series.days),
        "money_weighted_return_annualized": yearly,
        "money_weighted_return": of_the_period,
        "volatility": volatility(series, observed),
        "max_drawdown": (
            Figure(fall.depth) if fall is not None and twr.value is not None else _of(twr)
        ),
        "sharpe_ratio": sharpe(series, observed, question.risk_free, question.currency),
        "initial_value": _value(series.values[0], missing),
        "final_value": _value(series.values[-1], missing),
    }
    named = {"value_unknown", "no_return"}
    return {
        name: missing
        if missing is not None and figure.reason is not None and figure.reason.code in named
        else figure
        for name, figure in figures.items()
    }


def _of(figure: Figure) -> Figure:
    """Return an absent figure, for the reason of `figure` or because there are no days."""
    return absent("too_short", "The period has no days.") if figure.value is not None else figure


def _value(value: float, missing: Figure | None) -> Figure:
    if np.isnan(value):
        return missing or absent("value_unknown", "The value of a day is not known.")
    return Figure(float(value))


def _currency_figures(twr: Figure, found: CurrencyEffect | None) -> dict[str, Figure]:
    names = ("local_return", "currency_return", "local_contribution", "currency_contribution")
    if found is None:
        return dict.fromkeys(names, twr)
    return {name: Figure(getattr(found, name)) for name in names}


def _accounted(shown: Board, found: Effects, whole: bool) -> tuple[dict[int | None, Terms], Figure]:
    try:
        return terms(shown, found, whole=whole), Figure(0.0)
    except Unknown as unknown:
        return {}, unknown.figure


def _benchmark(question: Question, series: Daily, figures: dict[str, Figure]) -> Floats | None:
    """Return the growth of the benchmark in the reporting currency, and fill its figures."""
    names = ("benchmark_return", "benchmark_return_annualized", "excess_return")
    line = question.benchmark
    if line is None:
        none = absent("no_benchmark", "No benchmark was selected.")
        figures |= dict.fromkeys(names, none)
        return None
    count = len(series.values)
    first = series.first.toordinal()
    prices = daily_prices(
        closes=line.closes,
        marks=NO_MARKS,
        splits=question.past.splits.get(line.asset, ()),
        first=first,
        count=count,
        own=line.own,
    )
    rates = daily_rates(
        currency=line.currency,
        reporting=question.currency,
        fixings=question.fixings,
        first=first,
        count=count,
    )
    known = prices.known & rates.known
    if not known[series.base :].all() or not known.any():
        what = "rate" if prices.known[series.base] else "price"
        lacking = absent(
            "benchmark_price_missing",
            f"{line.symbol} has no {what} on {series.day(series.base)}, the first day measured.",
        )
        figures |= dict.fromkeys(names, lacking)
        return None
    values = prices.floats * rates.floats
    growth: Floats = values / values[series.base]
    back = Figure(float(growth[-1]) - 1.0)
    twr = figures["time_weighted_return"]
    figures["benchmark_return"] = back
    figures["benchmark_return_annualized"] = annualized(back, days=series.days)
    figures["excess_return"] = (
        twr if twr.value is None else Figure(twr.value - float(growth[-1]) + 1.0)
    )
    growth[: series.base] = np.nan
    return growth


def _warnings(question: Question, shown: Board) -> list[Warned]:
    """Return cautions about old prices, prices of own trades, and dividend-adjusted prices."""
    told = []
    with_income = question.past.payments.paid_income()
    for asset, track in shown.tracks.items():
        symbol, prices = track.line.symbol, track.prices
        held = track.held & prices.known
        if not held.any():
            continue
        age = np.where(held, prices.age_days, 0)
        oldest = int(np.argmax(age))
        if age[oldest] > STALE_DAYS:
            since = date.fromordinal(int(prices.source_day[oldest]))
            until = date.fromordinal(shown.first + oldest)
            detail = f"Valued on {until} at the price of {since}, {age[oldest]} days old."
            told.append(Warned("price_stale", symbol, detail))
        if age.min() < 0:
            told.append(
                Warned(
                    "price_carried_back", symbol, "On earlier days it is valued at its first price."
                )
            )
        if (held & prices.estimated).any():
            real_from = prices.real_from
            until_text = "" if real_from is None else f" before {date.fromordinal(real_from)}"
            detail = (
                f"Neither a source nor you have a price of it{until_text}. The prices of your "
                "purchases and sales are used instead."
            )
            told.append(Warned("price_from_own_trades", symbol, detail))
        if track.line.dividend_adjusted and asset in with_income:
            detail = "Its prices already include dividends, so recorded dividends count twice."
            told.append(Warned("dividends_in_prices", symbol, detail))
    return told


def _estimates(shown: Board) -> list[Estimated]:
    """Return the days on which holdings are valued at the price of an own trade."""
    found = []
    for track in shown.tracks.values():
        days = np.flatnonzero(track.held & track.prices.estimated)
        if len(days):
            found.append(
                Estimated(
                    symbol=track.line.symbol,
                    from_date=date.fromordinal(shown.first + int(days[0])),
                    to_date=date.fromordinal(shown.first + int(days[-1])),
                    days=len(days),
                )
            )
    return sorted(found, key=lambda one: one.symbol)


def _apart(question: Question, series: Daily) -> list[Warned]:
    """Return a note on the gains and losses of days without capital."""
    found = series.gained_apart
    if not found:
        return []
    (day, _), total = found[0], sum(gained for _, gained in found)
    when = f"On {day}" if len(found) == 1 else f"On {len(found)} days from {day}"
    text = (
        f"{when} nothing was invested: {total:+.2f} {question.currency} of income or costs counts "
        "in the gain, but not in the time-weighted return."
    )
    return [Warned("without_capital", "", text)]


def _unknown(question: Question, shown: Board, why: Figure) -> Performance:
    """Return an answer without figures, because a price or a rate is missing."""
    values = shown.values
    nothing = np.zeros(shown.count)
    series = daily(
        first=question.from_date - timedelta(days=1),
        values=np.full(shown.count, np.nan),
        inflows=nothing,
        outflows=nothing,
    )
    figures = dict.fromkeys(FIGURES, why)
    figures["initial_value"] = _value(values[0], shown.missing)
    figures["final_value"] = _value(values[-1], shown.missing)
    return Performance(question, figures, series, [], None, {}, {}, None, None)


MONEY_FIGURES = ("initial_value", "final_value")
FIGURES = (
    "time_weighted_return",
    "time_weighted_return_annualized",
    "money_weighted_return_annualized",
    "money_weighted_return",
    "volatility",
    "max_drawdown",
    "sharpe_ratio",
    "initial_value",
    "final_value",
    "local_return",
    "currency_return",
    "local_contribution",
    "currency_contribution",
    "benchmark_return",
    "benchmark_return_annualized",
    "excess_return",
    "reconciliation",
)
